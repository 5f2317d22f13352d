package app

import "net/netip"

// ChannelOptions are the settings of the ways by which warnings leave the program. Passwords stand in files or the environment,
// never on the command line.
type ChannelOptions struct {
	WebhookNetworks  []netip.Prefix `help:"Networks that the names in webhooks' addresses may lead into beside the public internet, such as 10.0.0.0/8. Literal addresses are called as they were entered." placeholder:"PREFIX"`
	SMTP             string         `name:"smtp" help:"Mail server: smtp://user@host:587 (with STARTTLS) or smtps://user@host:465; ?tls=off only for one on this machine or in a network of its own." placeholder:"URL"`
	SMTPPasswordFile string         `name:"smtp-password-file" type:"path" help:"File with the password of the mail server." placeholder:"FILE"`
	MailFrom         string         `help:"Address that mail comes from, such as duty@city.example." placeholder:"ADDRESS"`
	SMSGateway       string         `name:"sms-gateway" help:"Address of a gateway for short messages, see docs/delivery.md. Default: they are written to sms.jsonl in the data folder." placeholder:"URL"`
	CellGateway      string         `name:"cell-gateway" help:"Address of a gateway for cell broadcasts. Default: they are written to cell-broadcast.jsonl in the data folder." placeholder:"URL"`
	GatewayTokenFile string         `type:"path" help:"File with the token that the gateways are shown." placeholder:"FILE"`
}

package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	paho3 "github.com/eclipse/paho.mqtt.golang"
)

// Eclipse's clients, as they come, over each kind of listener.
func TestPaho(t *testing.T) {
	server, trust := testTLS(t)
	w := newWorld(t)
	w.edge.Stop()
	var err error
	w.edge, err = New(Options{
		Listeners: []Listen{
			{Name: "tcp", Addr: ":0"}, {Name: "tls", Addr: ":0", TLS: server}, {Name: "ws", Addr: ":0", WebSocket: true},
			{Name: "wss", Addr: ":0", WebSocket: true, TLS: server},
		},
		Intake: w.intake, Feed: w.log, Auth: passwords{}, DB: w.db, Clock: w.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.edge.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	const n = 200
	for name, scheme := range map[string]string{"tcp": "tcp", "tls": "ssl", "ws": "ws", "wss": "wss"} {
		addr := scheme + "://" + w.edge.Addr(name).String()
		t.Run(name+" 3.1.1", func(t *testing.T) { paho311(t, addr, trust, n) })
		t.Run(name+" 5", func(t *testing.T) { paho5(t, addr, trust, n) })
	}
	for name, c := range w.edge.Counts() {
		if want := (Count{Received: 2 * n, Accepted: 2 * n}); c != want {
			t.Errorf("%s: %+v, want %+v", name, c, want)
		}
	}
}

func paho311(t *testing.T, addr string, trust *tls.Config, n int) {
	got := make(chan string, n)
	client := paho3.NewClient(paho3.NewClientOptions().AddBroker(addr).SetClientID("paho3").SetUsername("s").SetPassword("pw").
		SetTLSConfig(trust).SetProtocolVersion(4).SetAutoReconnect(false).SetWill("status", "offline", 1, true))
	await := func(tok paho3.Token) {
		t.Helper()
		if !tok.WaitTimeout(patience) || tok.Error() != nil {
			t.Fatalf("%v", tok.Error())
		}
	}
	await(client.Connect())
	defer client.Disconnect(0)
	await(client.Subscribe("Observations", 1, func(_ paho3.Client, m paho3.Message) { got <- string(m.Payload()) }))
	var toks []paho3.Token
	for i := range n {
		toks = append(toks, client.Publish("Observations", byte(i%3), false, fmt.Sprintf("m%d", i)))
	}
	for _, tok := range toks {
		await(tok)
	}
	inOrder(t, got, n)
}

func paho5(t *testing.T, addr string, trust *tls.Config, n int) {
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got := make(chan string, n)
	cm, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{u}, TlsCfg: trust, KeepAlive: 30, ConnectUsername: "s", ConnectPassword: []byte("pw"),
		SessionExpiryInterval: 60,
		ClientConfig: paho.ClientConfig{
			ClientID: "paho5 " + addr, // its session outlives the connection
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				got <- string(p.Packet.Payload)
				return true, nil
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cm.AwaitConnection(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := cm.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "Observations", QoS: 1, NoLocal: true}}}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := cm.Publish(ctx, &paho.Publish{Topic: "Observations", QoS: byte(i % 2), Payload: fmt.Appendf(nil, "m%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	inOrder(t, got, n)
	if err := cm.Disconnect(ctx); err != nil {
		t.Error(err)
	}
	<-cm.Done()
}

func inOrder(t *testing.T, got chan string, n int) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for i := range n {
		select {
		case m := <-got:
			if want := fmt.Sprintf("m%d", i); m != want {
				t.Fatalf("got %s, want %s", m, want)
			}
		case <-late.C:
			t.Fatalf("%d of %d came", i, n)
		}
	}
}

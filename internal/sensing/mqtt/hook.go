package mqtt

import (
	"log/slog"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook stands between mochi's codec and the rest of mochi. All that carries a message or changes a session is taken here,
// and what is passed on is a packet that mochi does nothing for: the acknowledgement of a packet id that it never gave.
// So its inflight table, topic tree, retained messages and wills stay empty. Every connection has a name of its own there
// and no session, so that mochi never inherits or takes over anything either.
type hook struct {
	mochi.HookBase
	edge *Edge
}

func newMochi(e *Edge) (*mochi.Server, error) {
	caps := mochi.NewDefaultServerCapabilities()
	caps.MaximumClients = int64(e.limits.MaxClients + spareConns) // ours is counted in claim
	caps.MaximumClientWritesPending = 1                           // nothing is ever queued there
	caps.MaximumPacketSize = uint32(e.limits.MaxPacket)
	caps.MaximumInflight = 0xFFFF
	caps.ReceiveMaximum = uint16(min(e.limits.MaxInFlight, 0xFFFF))
	caps.MaximumQos = 1
	caps.RetainAvailable = 0
	caps.SharedSubAvailable = 0
	srv := mochi.New(&mochi.Options{
		Capabilities:             caps,
		ClientNetReadBufferSize:  32 << 10,
		ClientNetWriteBufferSize: 1 << 10,
		Logger:                   slog.New(slog.DiscardHandler), // it logs whole packets, and so what people wrote
	})
	return srv, srv.AddHook(&hook{edge: e}, nil)
}

// ID names the hook.
func (h *hook) ID() string { return "anlan" }

// Provides says which of mochi's questions are answered here.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnSessionEstablished, mochi.OnPacketRead, mochi.OnPacketEncode:
		return true
	}
	return false
}

// OnConnect opens the session, or answers why not. OnConnectAuthenticate, which comes next, has only one answer for all.
func (h *hook) OnConnect(cl *mochi.Client, pk packets.Packet) error {
	k := cl.Net.Conn.(*link)
	c, code := h.edge.connect(k, cl.ID, pk)
	cl.ID = h.edge.nextName() // from here on no two connections share a name in mochi
	if code.Code != 0 {
		h.edge.count.notConnected.Add(1)
		ack := packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Connack}, ReasonCode: code.Code,
			Properties: packets.Properties{ReasonString: code.Reason},
		}
		if err := cl.WritePacket(ack); err != nil {
			return err
		}
		return code
	}
	// For mochi every connection is clean and ends for good.
	cl.Properties.Clean = true
	cl.Properties.Props.SessionExpiryInterval = 0
	cl.Properties.Props.AssignedClientID = ""
	cl.State.Keepalive = c.keepalive
	return nil
}

// OnConnectAuthenticate was answered by OnConnect.
func (h *hook) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

// OnSessionEstablished comes after CONNACK: now other packets may follow.
func (h *hook) OnSessionEstablished(cl *mochi.Client, _ packets.Packet) {
	cl.Net.Conn.(*link).client.start()
}

// OnPacketEncode puts our words into CONNACK; there is no other way to set session present.
func (h *hook) OnPacketEncode(cl *mochi.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Connack {
		k := cl.Net.Conn.(*link)
		k.told = k.told || pk.FixedHeader.Type == packets.Disconnect
		return pk
	}
	if pk.ProtocolVersion < 5 && pk.ReasonCode >= packets.ErrUnspecifiedError.Code {
		pk.ReasonCode = return311(pk.ReasonCode)
	}
	if c := cl.Net.Conn.(*link).client; c != nil && pk.ReasonCode == 0 {
		c.welcome(&pk)
	}
	return pk
}

// ignored is a packet that mochi does nothing for.
func ignored() packets.Packet {
	return packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Puback}}
}

// OnPacketRead takes each packet after it was decoded. An error other than ErrRejectPacket would be swallowed by mochi.
func (h *hook) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	k := cl.Net.Conn.(*link)
	c := k.client
	if pk.FixedHeader.Type == packets.Connect {
		return withoutWill(pk), nil // a second one is refused by mochi
	}
	var code packets.Code
	switch pk.FixedHeader.Type {
	case packets.Pingreq:
		return pk, nil
	case packets.Publish:
		code = c.published(&pk)
	case packets.Puback:
		c.acknowledged(pk.PacketID)
	case packets.Pubrel:
		code = c.released(pk.PacketID)
	case packets.Subscribe:
		code = c.subscribe(&pk)
	case packets.Unsubscribe:
		code = c.unsubscribe(&pk)
	case packets.Disconnect:
		if code = c.leaving(&pk); code.Code == 0 {
			pk.Properties.SessionExpiryIntervalFlag, pk.ReasonCode = false, 0
			return pk, nil
		}
	case packets.Pubrec, packets.Pubcomp: // answers to QoS 2, which we never send
		code = packets.ErrProtocolViolation
	default:
		code = packets.ErrProtocolViolation // AUTH without a method, or a packet that only servers send
	}
	if code.Code != 0 {
		k.end(code)
		return pk, packets.ErrRejectPacket
	}
	return ignored(), nil
}

// withoutWill takes the will out of a CONNECT: it is accepted and ignored, whatever mochi would find wrong with it.
func withoutWill(pk packets.Packet) packets.Packet {
	pk.Connect.WillFlag, pk.Connect.WillRetain, pk.Connect.WillQos = false, false, 0
	pk.Connect.WillTopic, pk.Connect.WillPayload = "", nil
	return pk
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// inFlight is how many messages a publisher may have sent that are not acknowledged.
const inFlight = 100

// publisher publishes Observations over MQTT 3.1.1 with QoS 1, and no more of the protocol than that takes.
type publisher struct {
	conn    net.Conn
	streams []int64
	from    time.Time

	mu   sync.Mutex
	free []uint16          // packet ids that are not under way
	sent [inFlight + 1]int // 1 + the stream of what is under way with a packet id; 0: nothing is
	err  error
	idle *sync.Cond // signalled when free or err changes
}

// dialMQTT connects and says who it is.
func dialMQTT(addr, client string) (net.Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	body := []byte("\x00\x04MQTT\x04\x02\x00\x3c") // level 4, clean session, keep alive for 60 s
	body = binary.BigEndian.AppendUint16(body, uint16(len(client)))
	body = append(body, client...)
	_, err = conn.Write(append([]byte{0x10, byte(len(body))}, body...))
	var answer [4]byte
	if err == nil {
		_, err = io.ReadFull(conn, answer[:])
	}
	if err == nil && answer != [4]byte{0x20, 2, 0, 0} {
		err = fmt.Errorf("CONNECT was answered by % x", answer)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// message is a PUBLISH with QoS 1 and the places in it, from its end, of its time, its result and its packet id.
func message(stream int64) (m []byte, stamp, result, packet int) {
	topic := fmt.Sprintf("v1.1/Datastreams(%d)/Observations", stream)
	payload := `{"phenomenonTime":"` + stampForm + `","result":` + wave(0) + `}`
	n := 2 + len(topic) + 2 + len(payload)
	m = binary.AppendUvarint([]byte{0x32}, uint64(n)) // MQTT writes a length in the same way
	m = binary.BigEndian.AppendUint16(m, uint16(len(topic)))
	m = append(append(m, topic...), 0, 0)
	m = append(m, payload...)
	return m, bytes.Index(m, []byte(stampForm)) - len(m), -1 - len(wave(0)), -len(payload) - 2
}

func (p *publisher) send(ctx context.Context, acked *atomic.Int64) (map[int64]int64, error) {
	defer p.conn.Close()
	p.idle = sync.NewCond(&p.mu)
	for id := inFlight; id > 0; id-- {
		p.free = append(p.free, uint16(id))
	}
	counts := make([]int64, len(p.streams))
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.fail(p.read(counts, acked))
	}()
	err := p.write(ctx)
	if err == nil {
		err = p.drain()
	}
	p.conn.Close()
	<-read
	out := map[int64]int64{}
	for i, n := range counts {
		out[p.streams[i]] = n
	}
	return out, err
}

// write publishes as many messages as may be under way, with one write for all that became free meanwhile.
func (p *publisher) write(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.idle.Broadcast)
	defer stop()
	messages := make([][]byte, len(p.streams))
	var stamp, result, packet int
	for i, id := range p.streams {
		messages[i], stamp, result, packet = message(id)
	}
	var out []byte
	ids := make([]uint16, 0, inFlight)
	for n := 0; ; {
		p.mu.Lock()
		for len(p.free) == 0 && p.err == nil && ctx.Err() == nil {
			p.idle.Wait()
		}
		if p.err != nil || ctx.Err() != nil {
			err := p.err
			p.mu.Unlock()
			return err
		}
		ids = append(ids[:0], p.free...)
		p.free = p.free[:0]
		for k, id := range ids {
			p.sent[id] = 1 + (n+k)%len(p.streams)
		}
		p.mu.Unlock()
		out = out[:0]
		for _, id := range ids {
			m := messages[n%len(messages)]
			p.from.Add(time.Duration(n/len(messages))*time.Second).AppendFormat(m[len(m)+stamp:][:0], stampForm)
			copy(m[len(m)+result:], wave(n))
			binary.BigEndian.PutUint16(m[len(m)+packet:], id)
			out = append(out, m...)
			n++
		}
		if err := p.conn.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if _, err := p.conn.Write(out); err != nil {
			return err
		}
	}
}

// drain waits for the answers of what is under way.
func (p *publisher) drain() error {
	if err := p.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) < inFlight && p.err == nil {
		p.idle.Wait()
	}
	if len(p.free) == inFlight {
		return nil
	}
	return p.err
}

func (p *publisher) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.idle.Broadcast()
}

// read takes the acknowledgements, and nothing else may come.
func (p *publisher) read(counts []int64, acked *atomic.Int64) error {
	buf := make([]byte, 4*inFlight)
	kept := 0
	for {
		n, err := p.conn.Read(buf[kept:])
		if n == 0 && err != nil {
			return err
		}
		got := buf[:kept+n]
		p.mu.Lock()
		done := int64(0)
		for ; len(got) >= 4; got = got[4:] {
			id := binary.BigEndian.Uint16(got[2:])
			if got[0] != 0x40 || got[1] != 2 || id == 0 || id > inFlight || p.sent[id] == 0 {
				p.mu.Unlock()
				return fmt.Errorf("%w: % x", errPacket, got[:4])
			}
			counts[p.sent[id]-1]++
			p.sent[id] = 0
			p.free = append(p.free, id)
			done++
		}
		p.idle.Signal()
		p.mu.Unlock()
		acked.Add(done)
		kept = copy(buf, got)
	}
}

var errPacket = errors.New("expected the acknowledgement of a message that is under way")

package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// junk is what somebody puts into row streams who has no business there.
type junk struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	streams []string
}

// openJunk connects to the NATS server, past the proxy.
func openJunk(address string) (*junk, error) {
	nc, err := nats.Connect("nats://" + address)
	if errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) {
		return &junk{}, nil // it has another fault just now
	}
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	return &junk{nc: nc, js: js}, err
}

// subject takes messages that belong to no range.
func subject(stream string) string { return "d." + strings.TrimPrefix(stream, "DATA_") + ".0.0.0" }

// fill publishes until each row stream refuses more.
func (j *junk) fill(ctx context.Context) error {
	if j.js == nil {
		return nil
	}
	names := j.js.StreamNames(ctx)
	for name := range names.Name() {
		if !strings.HasPrefix(name, "DATA_") {
			continue
		}
		j.streams = append(j.streams, name)
		j.fillOne(ctx, name)
	}
	return nil // a server that went away meanwhile has another fault
}

func (j *junk) fillOne(ctx context.Context, name string) {
	body := make([]byte, 1<<20)
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := j.js.Publish(asking, subject(name), body)
		cancel()
		if err != nil {
			return
		}
	}
}

// remove takes everything back, as soon as the server is there.
func (j *junk) remove(ctx context.Context) error {
	var err error
	for _, name := range j.streams {
		for range 30 {
			if err = j.purge(ctx, name); err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
				err = nil
				break
			}
			time.Sleep(time.Second)
		}
	}
	return err
}

func (j *junk) purge(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := j.js.Stream(ctx, name)
	if err != nil {
		return err
	}
	return s.Purge(ctx, jetstream.WithPurgeSubject(subject(name)))
}

func (j *junk) close() {
	if j.nc != nil {
		j.nc.Close()
	}
}

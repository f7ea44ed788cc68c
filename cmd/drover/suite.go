package main

import (
	"context"

	"github.com/drover-db/drover/embedded"
)

// silent is a level above all others: what goes wrong comes with the result.
const silent = "error+4"

// suite is the services in this process and the way to talk to them.
type suite struct {
	*embedded.Suite
	clients *clients
}

// startSuite starts every service in this process on a state folder. Interrupting
// the command does not reach into it: what happens then is the caller's decision.
func (a *app) startSuite(ctx context.Context, m *job, state string) (*suite, error) {
	log, err := a.logger(silent)
	if err != nil {
		return nil, err
	}
	a.boundMemory(allMemory)
	s, err := embedded.Start(ctx, embedded.Config{
		StateDir: state, Fresh: m.fresh, Jobs: m.jobs, Passwords: m.passwords, Version: buildVersion(), Logger: log,
	})
	if err != nil {
		return nil, stopped(ctx, err)
	}
	return &suite{Suite: s, clients: newClients(s.Conn())}, nil
}

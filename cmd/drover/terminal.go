package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// interruptible gives a context that ends at the first SIGINT or SIGTERM, with
// errInterrupted as its cause; at the second the process ends at once. What is in
// the databases and the state folder is safe then too: it is as after a crash.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// checkView refuses an unknown --progress.
func (a *app) checkView() error {
	if !slices.Contains([]string{"auto", "tty", "plain", "json", "none"}, a.progress) {
		return fault.New(fault.Invalid, "drover.checkView", "--progress %s is none of auto, tty, plain, json, none", a.progress)
	}
	return nil
}

// What Ctrl-C does, as the live view tells it.
const (
	hintPause  = "Ctrl-C pauses"
	hintDetach = "Ctrl-C detaches"
)

// view makes the progress view; logs go through it while it is open.
func (a *app) view(hint string) progress.View {
	switch {
	case a.progress == "none":
		return progress.None{}
	case a.progress == "json":
		return progress.NewJSON(a.logs)
	case a.progress == "tty", a.progress == "auto" && isTerminal(a.stderr):
		t := progress.NewTerminal(a.stderr, hint, a.screen)
		a.logs.set(t)
		return closing{t, func() { a.logs.set(a.stderr) }}
	default:
		return progress.NewPlain(a.logs)
	}
}

// screen is the size of the terminal on standard error.
func (a *app) screen() (width, height int) {
	if f, ok := a.stderr.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 120, 40
}

// closing runs something after a view has closed.
type closing struct {
	progress.View
	after func()
}

func (c closing) Close() {
	c.View.Close()
	c.after()
}

// switchWriter is a writer whose end can be moved.
type switchWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *switchWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

func (s *switchWriter) set(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

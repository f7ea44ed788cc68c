// Command natsd is the NATS server that drover embeds, as a process of its own: what
// an installation runs as nats-server, without another download for tests.
//
//	natsd -listen 127.0.0.1:4222 -store DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/drover-db/drover/internal/bus/natsd"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:4222", "TCP address")
	store := flag.String("store", "", "folder of the streams")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := natsd.Start(natsd.Config{Listen: *listen, StoreDir: *store, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsd:", err)
		os.Exit(1)
	}
	<-ctx.Done()
	server.Shutdown()
}

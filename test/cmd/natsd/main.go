// Command natsd is the NATS server that drover embeds, as a process of its own: what
// an installation runs as nats-server, without another download for tests.
//
//	natsd -listen 127.0.0.1:4222 -store DIR
//	natsd -listen 127.0.0.1:4222 -store DIR -name n1 -cluster-listen 127.0.0.1:6222 -peers 127.0.0.1:6222,127.0.0.1:6223
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/drover-db/drover/internal/bus/natsd"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:4222", "TCP address")
	store := flag.String("store", "", "folder of the streams")
	size := flag.Int64("max-store", 0, "bytes that all streams together may hold; three quarters of the disk's room where it is 0")
	name := flag.String("name", "natsd", "name of the server")
	clusterListen := flag.String("cluster-listen", "", "TCP address for the other servers of a cluster")
	peers := flag.String("peers", "", "addresses of all servers of the cluster, with commas")
	flag.Parse()
	config := natsd.Config{Listen: *listen, StoreDir: *store, MaxStore: *size, Name: *name, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if *clusterListen != "" {
		config.Cluster = &natsd.Cluster{Name: "drover", Listen: *clusterListen, Peers: strings.Split(*peers, ",")}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := natsd.Start(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsd:", err)
		os.Exit(1)
	}
	<-ctx.Done()
	server.Shutdown()
}

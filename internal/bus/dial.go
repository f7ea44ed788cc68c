package bus

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/drover-db/drover/internal/fault"
)

// DialOptions of Dial; the zero value works.
type DialOptions struct {
	// Name of the connection in the server's listings.
	Name string
	// Wait for a server to answer; 10 s where it is zero.
	Wait time.Duration
	// Log is told of lost and regained connections; may be nil.
	Log *slog.Logger
}

// Dial connects to NATS servers over TCP, separated by commas. Once connected, the
// connection comes back by itself for as long as it is open; fault.Unavailable
// means that none answered within the wait.
func Dial(ctx context.Context, servers string, o DialOptions) (*nats.Conn, error) {
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if err := checkServers(servers); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	opts := append(ConnOptions(o.Name, o.Log), nats.Timeout(2*time.Second))
	for {
		nc, err := nats.Connect(servers, opts...)
		if err == nil {
			return nc, nil
		}
		if isDenied(err) {
			return nil, fault.New(fault.Denied, "bus.Dial", "log in to NATS at %s: %w", mask(servers), err)
		}
		sleep(ctx, 250*time.Millisecond)
		if ctx.Err() != nil {
			return nil, fault.New(fault.Unavailable, "bus.Dial",
				"reach NATS at %s: %w; start a server there with JetStream (nats-server -js) or name another", mask(servers), err)
		}
	}
}

// ConnOptions are what every connection of drover's has: a name, reconnects
// without end, and its troubles in the log rather than on standard error.
func ConnOptions(name string, log *slog.Logger) []nats.Option {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.PingInterval(20 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("lost the connection to NATS", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("trouble with NATS", "error", err)
		}),
	}
}

func checkServers(servers string) error {
	for s := range strings.SplitSeq(servers, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.Host == "" {
			return fault.New(fault.Invalid, "bus.Dial", "NATS URL %q is not of the form nats://host:4222", mask(s))
		}
	}
	return nil
}

func isDenied(err error) bool {
	s := strings.ToLower(err.Error())
	return strings.Contains(s, "authorization") || strings.Contains(s, "authentication")
}

// mask removes passwords and tokens from a list of server URLs.
func mask(servers string) string {
	list := strings.Split(servers, ",")
	for i, s := range list {
		if at := strings.LastIndex(s, "@"); at >= 0 {
			scheme, _, ok := strings.Cut(s, "://")
			if !ok {
				scheme = "nats"
			}
			list[i] = strings.TrimSpace(scheme) + "://***@" + s[at+1:]
		}
	}
	return strings.Join(list, ",")
}

package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

// Set is the engines that a process has.
type Set []Engine

// Schemes lists the URL schemes, for messages.
func (s Set) Schemes() []string {
	var out []string
	for _, e := range s {
		out = append(out, e.Schemes()...)
	}
	slices.Sort(out)
	return out
}

// ForURL finds the engine of a URL.
func (s Set) ForURL(url string) (Engine, error) {
	scheme, _, ok := strings.Cut(url, ":")
	if ok {
		for _, e := range s {
			if slices.Contains(e.Schemes(), scheme) {
				return e, nil
			}
		}
	}
	known := strings.Join(s.Schemes(), "://, ") + "://"
	return nil, fault.New(fault.Invalid, "engine.ForURL", "URL has no scheme that drover knows: use one of %s", known)
}

// Open opens an endpoint, resolving its password.
func (s Set) Open(ctx context.Context, e *planv1.Endpoint, secrets *secret.Resolver, side Side, application string) (Database, error) {
	name := fault.Source
	if side == TargetSide {
		name = fault.Target
	}
	eng, err := s.ForURL(e.GetUrl())
	if err != nil {
		return nil, fault.At(err, name, "")
	}
	password, err := secrets.Resolve(e.GetPassword())
	if err != nil {
		return nil, fault.At(err, name, "")
	}
	db, err := eng.Open(ctx, Config{URL: e.GetUrl(), Password: password, MaxConns: int(e.GetMaxConnections()), CloseIdle: e.GetCloseIdle(),
		Create: side == TargetSide, Application: application})
	if err != nil {
		return nil, fault.At(scrub(err, password), name, "")
	}
	if side == SourceSide {
		return &judged{db, s}, nil
	}
	return db, nil
}

// scrub removes a password that a driver put into its message.
func scrub(err error, password secret.Value) error {
	text := err.Error()
	clean := password.Scrub(text)
	if clean == text {
		return err
	}
	f := fault.Find(err)
	return &fault.Error{Kind: f.Kind, Op: f.Op, Side: f.Side, Subject: f.Subject, Err: fmt.Errorf("%s", clean)}
}

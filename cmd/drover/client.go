package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// pageSize is how many items a list call asks for.
const pageSize = 1000

// clients are the admin API's services.
type clients struct {
	migrations    droverv1.MigrationServiceClient
	tables        droverv1.TableServiceClient
	ranges        droverv1.RangeServiceClient
	workers       droverv1.WorkerServiceClient
	events        droverv1.EventServiceClient
	system        droverv1.SystemServiceClient
	verifications droverv1.VerificationServiceClient
}

func newClients(cc grpc.ClientConnInterface) *clients {
	return &clients{
		migrations:    droverv1.NewMigrationServiceClient(cc),
		tables:        droverv1.NewTableServiceClient(cc),
		ranges:        droverv1.NewRangeServiceClient(cc),
		workers:       droverv1.NewWorkerServiceClient(cc),
		events:        droverv1.NewEventServiceClient(cc),
		system:        droverv1.NewSystemServiceClient(cc),
		verifications: droverv1.NewVerificationServiceClient(cc),
	}
}

// pages reads a list to its end.
func pages[T any](page func(token string) (items []T, next string, err error)) ([]T, error) {
	var out []T
	token := ""
	for {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
		if next == "" {
			return out, nil
		}
		token = next
	}
}

func (c *clients) listMigrations(ctx context.Context) ([]*droverv1.Migration, error) {
	return pages(func(token string) ([]*droverv1.Migration, string, error) {
		r, err := c.migrations.ListMigrations(ctx, &droverv1.ListMigrationsRequest{PageSize: pageSize, PageToken: token})
		return r.GetMigrations(), r.GetNextPageToken(), err
	})
}

func (c *clients) listTables(ctx context.Context, migration string, full bool) ([]*droverv1.Table, error) {
	return pages(func(token string) ([]*droverv1.Table, string, error) {
		r, err := c.tables.ListTables(ctx, &droverv1.ListTablesRequest{Parent: migration, PageSize: pageSize, PageToken: token, Full: full})
		return r.GetTables(), r.GetNextPageToken(), err
	})
}

func (c *clients) listRanges(ctx context.Context, table string, state droverv1.Range_State) ([]*droverv1.Range, error) {
	return pages(func(token string) ([]*droverv1.Range, string, error) {
		r, err := c.ranges.ListRanges(ctx, &droverv1.ListRangesRequest{Parent: table, PageSize: pageSize, PageToken: token, State: state})
		return r.GetRanges(), r.GetNextPageToken(), err
	})
}

func (c *clients) listWorkers(ctx context.Context) ([]*droverv1.Worker, error) {
	return pages(func(token string) ([]*droverv1.Worker, string, error) {
		r, err := c.workers.ListWorkers(ctx, &droverv1.ListWorkersRequest{PageSize: pageSize, PageToken: token})
		return r.GetWorkers(), r.GetNextPageToken(), err
	})
}

func (c *clients) listEvents(ctx context.Context, migration string) ([]*droverv1.Event, error) {
	return pages(func(token string) ([]*droverv1.Event, string, error) {
		r, err := c.events.ListEvents(ctx, &droverv1.ListEventsRequest{Parent: migration, PageSize: pageSize, PageToken: token})
		return r.GetEvents(), r.GetNextPageToken(), err
	})
}

// migrationName takes "shop" and "migrations/shop".
func migrationName(arg string) string {
	if strings.HasPrefix(arg, "migrations/") {
		return arg
	}
	return "migrations/" + arg
}

// theMigration is the one that -m names or, without it, the only one there is.
func (c *clients) theMigration(ctx context.Context, flag string) (string, error) {
	if flag != "" {
		return migrationName(flag), nil
	}
	list, err := c.listMigrations(ctx)
	if err != nil {
		return "", err
	}
	if len(list) == 1 {
		return list[0].GetName(), nil
	}
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = strings.TrimPrefix(m.GetName(), "migrations/")
	}
	if len(names) == 0 {
		return "", fault.New(fault.NotFound, "drover.theMigration", "the server has no migrations yet: start one with drover apply -f drover.yaml")
	}
	return "", fault.New(fault.Invalid, "drover.theMigration", "say which migration with -m: %s", strings.Join(names, ", "))
}

// theTable takes a resource name, a number or a name as the source or the target
// has it.
func (c *clients) theTable(ctx context.Context, migration, arg string) (string, error) {
	if strings.HasPrefix(arg, "migrations/") {
		return arg, nil
	}
	parent, err := c.theMigration(ctx, migration)
	if err != nil {
		return "", err
	}
	if _, err := strconv.ParseUint(arg, 10, 32); err == nil {
		return parent + "/tables/" + arg, nil
	}
	list, err := c.listTables(ctx, parent, false)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(t *droverv1.Table) bool { return t.GetSource() == arg || t.GetTarget() == arg })
	if i < 0 {
		return "", fault.New(fault.NotFound, "drover.theTable", "%s has no table %q: see drover get tables", parent, arg)
	}
	return list[i].GetName(), nil
}

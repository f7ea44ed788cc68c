// Package embedded runs all of drover inside one process: the coordinator, an
// extractor, a loader, a validator and the NATS server between them. The services
// are the ones of the distributed mode and talk as they do there, through gRPC and
// JetStream; only the connections are in memory. State survives the process: a
// Suite started on the folder of an earlier one goes on where that one stopped.
//
// Use it to move a database from a program of your own:
//
//	suite, err := embedded.Start(ctx, embedded.Config{StateDir: "state"})
//	…
//	defer suite.Close()
//	migrations := droverv1.NewMigrationServiceClient(suite.Conn())
//
// It owns the order in which things start and stop. Read suite.go first.
package embedded

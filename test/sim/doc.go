// Package sim moves whole migrations in virtual time, with the code that ships: the
// coordinator's Leader, the workers' Holder, the Attempts of extractor and loader and
// the validator's Judge. Everything around them is simulated and goes wrong: the stream
// loses, doubles, delays, rolls back and mixes up, the target's answers are lost,
// processes die, stop and go on, connections break, coordinators replace each other.
//
// A run is a function of its seed. world.go is time and chance, scenario.go what a seed
// stands for; process.go, network.go, coordinator.go, controllog.go, worker.go are the
// processes; stream.go and target.go what they work with; extract.go, load.go and jobs.go
// what workers do; nemesis.go breaks things, and check.go says after every step whether
// something is lost, doubled or wrong.
package sim

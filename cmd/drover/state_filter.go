package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// stateNames lists the states of an enumeration as people write them, in its order.
func stateNames(values map[string]int32) string {
	var names []string
	for _, name := range slices.SortedFunc(maps.Keys(values), func(a, b string) int { return int(values[a] - values[b]) }) {
		if values[name] != 0 {
			names = append(names, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "STATE_")), "_", "-"))
		}
	}
	return strings.Join(names, ", ")
}

// stateOf reads --state; 0 where it is not given.
func stateOf(values map[string]int32, given string) (int32, error) {
	if given == "" {
		return 0, nil
	}
	state := values["STATE_"+strings.ToUpper(strings.ReplaceAll(given, "-", "_"))]
	if state == 0 {
		return 0, fault.New(fault.Invalid, "drover.stateOf", "--state %s is none of %s", given, stateNames(values))
	}
	return state, nil
}

package matrix

import (
	"errors"
	"fmt"
	"slices"
)

// check finds what is missing from the matrix or there twice.
func check(sources []*Source) error {
	var errs []error
	var engines []string
	for _, s := range sources {
		engines = append(engines, s.Engine)
		names := map[string]bool{}
		for _, t := range s.Types {
			if names[t.Name] {
				errs = append(errs, fmt.Errorf("%s has two types of the name %s", s.Engine, t.Name))
			}
			names[t.Name] = true
			errs = append(errs, t.check(s.Engine))
		}
	}
	if !slices.Equal(engines, Engines) {
		errs = append(errs, fmt.Errorf("sources are %v, want %v", engines, Engines))
	}
	return errors.Join(errs...)
}

func (t *Type) check(engine string) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s %s: %s", engine, t.Declared, fmt.Sprintf(format, args...)))
	}
	if len(t.Values) == 0 {
		bad("has no values")
	}
	for _, target := range Engines {
		if n := t.Becomes.count(target); n != 1 && !(n == 0 && target == postgis) {
			bad("has %d planned types in %s, want 1", n, target)
		}
		if !t.GoesTo(target) {
			continue
		}
		_, code := t.Planned(target)
		for _, v := range t.Values {
			n := 0
			for _, list := range v.outcomes() {
				if lists(list, target) {
					n++
				}
			}
			switch {
			case code != "" && n > 1, code == "" && n != 1:
				bad("%s has %d outcomes in %s, want 1", v.Label(), n, target)
			case len(v.SQL) == 0:
				bad("has a value without SQL")
			case code != "" || v.Outcome(target) == Refused:
				t.checkChoices(v, target, bad)
			}
		}
	}
	return errors.Join(errs...)
}

// checkChoices finds what nobody says of a value that a target does not take: which cast
// keeps it, and what policies make of it.
func (t *Type) checkChoices(v Value, target string, bad func(string, ...any)) {
	_, code := t.Planned(target)
	if n := t.Cast.count(target); n != 1 && !lists(v.Uncast, target) {
		bad("%s is not taken by %s and has %d casts that keep it, want 1 or uncast", v.Label(), target, n)
	}
	if n := t.Sentinel.count(target); n != 1 && code == "" {
		bad("%s is refused by %s and has %d sentinels, want 1", v.Label(), target, n)
	}
	if n := v.Strip.count(target); n != 1 && code == "" && t.strips(target) {
		bad("%s is refused by %s and has %d forms after strip, want 1", v.Label(), target, n)
	}
}

// count tells how many keys speak of a target.
func (t Targets) count(target string) (n int) {
	for key := range t {
		if lists(key, target) {
			n++
		}
	}
	return n
}

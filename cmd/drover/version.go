package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

// buildVersion is the linker's version, or the module's.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print drover's version",
		Example: "  drover version -o json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.format.Structured() {
				return output.Value(a.stdout, a.format, map[string]string{
					"version": buildVersion(), "go_version": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			return output.Printf(a.stdout, "drover %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

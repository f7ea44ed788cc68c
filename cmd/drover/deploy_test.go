package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/drover-db/drover/internal/bus"
)

// manifests is the folder of the Kubernetes manifests.
const manifests = "../../deploy/kubernetes"

// object is what the test looks at in a manifest; the decoder refuses no field, since
// there is no cluster here to ask.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Replicas    int
		ServiceName string `yaml:"serviceName"`
		ClusterIP   string `yaml:"clusterIP"`
		Ports       []struct{ Port int }
		Template    struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
		MaxUnavailable int `yaml:"maxUnavailable"`
		PodSelector    struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"podSelector"`
	}
}

type pod struct {
	Grace           int64 `yaml:"terminationGracePeriodSeconds"`
	ServiceLinks    *bool `yaml:"enableServiceLinks"`
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	Containers []container
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct{ Name, Value string }
	EnvFrom     []struct {
		SecretRef struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Readiness    *probe `yaml:"readinessProbe"`
	Liveness     *probe `yaml:"livenessProbe"`
	VolumeMounts []struct {
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
	Resources struct{ Requests, Limits map[string]string }
}

type probe struct {
	HTTPGet *struct{ Path, Port string } `yaml:"httpGet"`
	GRPC    *struct{ Port int }          `yaml:"grpc"`
}

// readManifests gives the objects of all resources of the kustomization, by kind and name.
func readManifests(t *testing.T) map[string]object {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(manifests, "kustomization.yaml"))
	require.NoError(t, err)
	var k struct{ Resources []string }
	require.NoError(t, yaml.Unmarshal(raw, &k))
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, len(k.Resources)+1, "each file is a resource of the kustomization")
	out := map[string]object{}
	for _, name := range k.Resources {
		raw, err := os.ReadFile(filepath.Join(manifests, name))
		require.NoError(t, err)
		for d := yaml.NewDecoder(bytes.NewReader(raw)); ; {
			var o object
			err := d.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			key := o.Kind + "/" + o.Metadata.Name
			require.NotContains(t, out, key)
			out[key] = o
		}
	}
	return out
}

// commandOf finds the command of a container's arguments, and reads its flags as the binary
// does.
func commandOf(t *testing.T, args []string) *cobra.Command {
	t.Helper()
	root := newRoot(&app{lookupEnv: func(string) (string, bool) { return "", false }, stdout: io.Discard, stderr: io.Discard})
	cmd, flags, err := root.Find(args)
	require.NoError(t, err)
	require.NoError(t, cmd.ParseFlags(flags), "%v", args)
	require.Empty(t, cmd.Flags().Args())
	require.NotNil(t, cmd.RunE)
	return cmd
}

// flagOf is the value of a flag.
func flagOf(t *testing.T, cmd *cobra.Command, name string) string {
	t.Helper()
	f := cmd.Flags().Lookup(name)
	require.NotNil(t, f, "%s has no --%s", cmd.CommandPath(), name)
	return f.Value.String()
}

// What the manifests say of drover is what the binary takes: commands, flags, variables and
// ports; and the addresses they name are those of pods that there are.
func TestDeploy_KubernetesFitsTheBinary(t *testing.T) {
	all := readManifests(t)
	roles := map[string]string{"coordinator": "StatefulSet", "extractor": "Deployment", "loader": "Deployment", "validator": "Deployment"}
	for role, kind := range roles {
		t.Run(role, func(t *testing.T) {
			o, ok := all[kind+"/"+role]
			require.True(t, ok)
			spec := o.Spec.Template.Spec
			require.Len(t, spec.Containers, 1)
			c := spec.Containers[0]
			require.Equal(t, []string{"serve", role}, c.Args[:2])
			cmd := commandOf(t, c.Args)
			grace, err := time.ParseDuration(flagOf(t, cmd, "drain-grace"))
			require.NoError(t, err)
			require.Greater(t, spec.Grace, int64((grace + drainMargin).Seconds()))
			checkPorts(t, c, cmd)
			checkAddresses(t, all, cmd, "nats", 4222)
			if role != "coordinator" {
				checkAddresses(t, all, cmd, "coordinator", 7432)
				require.Equal(t, "drover-databases", c.EnvFrom[0].SecretRef.Name)
			}
			for _, e := range c.Env {
				name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(e.Name, "DROVER_"), "_", "-"))
				require.NoError(t, cmd.Flags().Set(name, e.Value), "%s is the variable of no flag", e.Name)
			}
			require.True(t, spec.SecurityContext.RunAsNonRoot)
			require.NotNil(t, spec.ServiceLinks)
			require.False(t, *spec.ServiceLinks, "variables of services could be taken for flags")
			require.NotEmpty(t, c.Resources.Requests["memory"])
			require.NotEmpty(t, c.Resources.Limits["memory"])
			for _, m := range c.VolumeMounts {
				require.Equal(t, flagOf(t, cmd, "spill-dir"), m.Path)
			}
		})
	}
	coordinator := commandOf(t, all["StatefulSet/coordinator"].Spec.Template.Spec.Containers[0].Args)
	require.Equal(t, fmt.Sprint(all["StatefulSet/nats"].Spec.Replicas), flagOf(t, coordinator, "log-replicas"))
}

// checkPorts compares the ports that a container declares, and its probes ask, with those
// that its flags listen on.
func checkPorts(t *testing.T, c container, cmd *cobra.Command) {
	t.Helper()
	want := map[string]string{"grpc": flagOf(t, cmd, "listen"), "metrics": flagOf(t, cmd, "metrics-listen")}
	require.Len(t, c.Ports, len(want))
	ports := map[string]int{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
		require.Equal(t, want[p.Name], fmt.Sprintf("0.0.0.0:%d", p.ContainerPort), "%s: beyond the pod's own loopback", p.Name)
	}
	require.NotNil(t, c.Readiness)
	require.NotNil(t, c.Liveness)
	for _, p := range []*probe{c.Readiness, c.Liveness} {
		if p.GRPC != nil {
			require.Equal(t, ports["grpc"], p.GRPC.Port)
			continue
		}
		require.Equal(t, "/healthz", p.HTTPGet.Path)
		require.Equal(t, "metrics", p.HTTPGet.Port)
	}
	require.NotNil(t, c.Liveness.GRPC, "a service whose leader is away is alive")
}

// checkAddresses compares a flag with the pods of the StatefulSet of its name.
func checkAddresses(t *testing.T, all map[string]object, cmd *cobra.Command, set string, port int) {
	t.Helper()
	if cmd.Flags().Lookup(set) == nil {
		return
	}
	o, service := all["StatefulSet/"+set], all["Service/"+set]
	require.Equal(t, service.Metadata.Name, o.Spec.ServiceName)
	require.Equal(t, "None", service.Spec.ClusterIP, "pods have names of their own behind a headless service")
	var want []string
	for i := range o.Spec.Replicas {
		want = append(want, fmt.Sprintf("%s-%d.%s:%d", set, i, set, port))
	}
	require.Equal(t, strings.Join(want, ","), strings.ReplaceAll(flagOf(t, cmd, set), "nats://", ""))
	require.Contains(t, service.Spec.Ports, struct{ Port int }{port})
}

// The configuration of the NATS servers is one that the server takes, is as safe as the
// control log needs it, and fits its pods.
func TestDeploy_KubernetesNATS(t *testing.T) {
	all := readManifests(t)
	set := all["StatefulSet/nats"]
	t.Setenv("SERVER_NAME", "nats-0")
	checkNATS(t, []byte(all["ConfigMap/nats"].Data["nats.conf"]), func(o *server.Options) {
		require.Equal(t, "nats-0", o.ServerName)
		var routes []string
		for _, r := range o.Routes {
			routes = append(routes, r.Host)
		}
		var want []string
		for i := range set.Spec.Replicas {
			want = append(want, fmt.Sprintf("nats-%d.nats:%d", i, o.Cluster.Port))
		}
		require.Equal(t, want, routes)
		ports := map[string]int{"client": o.Port, "cluster": o.Cluster.Port, "monitor": o.HTTPPort}
		for _, p := range set.Spec.Template.Spec.Containers[0].Ports {
			require.Equal(t, ports[p.Name], p.ContainerPort, p.Name)
			delete(ports, p.Name)
		}
		require.Empty(t, ports)
		require.Equal(t, 1, all["PodDisruptionBudget/nats"].Spec.MaxUnavailable, "two of three decide")
	})
	compose, err := os.ReadFile("../../deploy/nats.conf")
	require.NoError(t, err)
	checkNATS(t, compose, func(*server.Options) {})
}

func checkNATS(t *testing.T, raw []byte, more func(*server.Options)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	require.NoError(t, os.WriteFile(file, raw, 0o600))
	o, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	require.True(t, o.JetStream)
	require.True(t, o.SyncAlways)
	require.EqualValues(t, bus.MaxMessage, o.MaxPayload)
	more(o)
}

// What the network policy and the selectors name is there.
func TestDeploy_KubernetesSelectors(t *testing.T) {
	all := readManifests(t)
	for key, o := range all {
		switch o.Kind {
		case "StatefulSet", "Deployment":
			require.Equal(t, map[string]string{"app.kubernetes.io/name": o.Metadata.Name}, o.Spec.Template.Metadata.Labels, key)
		case "Service", "PodDisruptionBudget":
			require.Contains(t, slices.Collect(maps.Keys(all)), "StatefulSet/"+o.Metadata.Name, key)
		case "NetworkPolicy":
			require.Equal(t, map[string]string{"app.kubernetes.io/part-of": "drover"}, o.Spec.PodSelector.MatchLabels, "as the kustomization labels all pods")
		}
	}
}

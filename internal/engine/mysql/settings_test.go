package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// notedBy are the findings of one look at a target's settings.
func notedBy(d *dialect, server serverSettings, source *planv1.Database, look func(*designer)) []*planv1.Finding {
	x := &designer{dialect: d, server: server, source: source, design: &planv1.Design{}}
	look(x)
	return x.design.GetFindings()
}

// Servers whose settings nobody may change for a test: what a plan makes of each answer.
func TestDesign_ReadOnlyServer(t *testing.T) {
	for name, c := range map[string]struct {
		server          readOnly
		unknown, exempt bool
		severity        planv1.Severity
		says            string
	}{
		"Writable":            {},
		"TakesNobodys":        {server: readOnly{all: true, most: true}, exempt: true, severity: blocker, says: "takes no writes ("},
		"Administrators":      {server: readOnly{most: true}, exempt: true},
		"NotOurs":             {server: readOnly{most: true}, severity: blocker, says: "GRANT"},
		"RolesAreNotToBeRead": {server: readOnly{most: true}, unknown: true, severity: warning, says: "does not say"},
	} {
		for _, d := range []*dialect{mysqlDialect, mariadbDialect} {
			found := notedBy(d, serverSettings{readOnly: c.server}, nil, func(x *designer) { x.noteReadOnly(c.unknown, c.exempt) })
			if c.says == "" {
				require.Empty(t, found, name)
				continue
			}
			require.Len(t, found, 1, name)
			require.Equal(t, codeTargetReadOnly, found[0].GetCode(), name)
			require.Equal(t, c.severity, found[0].GetSeverity(), name)
			require.Contains(t, found[0].GetMessage(), c.says, name)
			if c.server.all {
				require.Contains(t, found[0].GetMessage(), d.target.readOnlyName)
			}
		}
	}
}

// While it writes a binary log, a server lets only administrators make triggers, and only
// functions that say that they write nothing.
func TestDesign_BinaryLogRefuses(t *testing.T) {
	function := func(name, words string) *planv1.Object {
		return &planv1.Object{Type: "function", Name: name, Definition: []string{"CREATE FUNCTION " + name + "() RETURNS int " + words + " RETURN 1"}}
	}
	objects := []*planv1.Object{
		{Type: "trigger", Name: "stamp", Definition: []string{"CREATE TRIGGER stamp BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1"}},
		function("writes", "MODIFIES SQL DATA"), function("random", "NOT DETERMINISTIC"),
		function("same", "DETERMINISTIC"), function("looks", "READS SQL DATA"), function("counts", "NO SQL"),
		{Type: "view", Name: "v", Definition: []string{"CREATE VIEW v AS SELECT 1"}},
	}
	for _, d := range []*dialect{mysqlDialect, mariadbDialect} {
		look := func(server serverSettings, engine string, administrator bool) string {
			found := notedBy(d, server, &planv1.Database{Engine: engine, Objects: objects}, func(x *designer) { x.noteBinaryLog(administrator) })
			if len(found) == 0 {
				return ""
			}
			require.Len(t, found, 1)
			require.Equal(t, codeBinaryLog, found[0].GetCode())
			require.Equal(t, warning, found[0].GetSeverity())
			return found[0].GetMessage()
		}
		refuses := serverSettings{logRefuses: true}
		require.Contains(t, look(refuses, d.name, true), ": function writes, function random; SET GLOBAL log_bin_trust_function_creators")
		all := look(refuses, d.name, false)
		require.Contains(t, all, "trigger stamp, function writes, function random, function same, function looks, function counts;")
		require.NotContains(t, all, "view")
		require.Empty(t, look(serverSettings{}, d.name, false), "a server that trusts, or writes no log")
		require.Empty(t, look(refuses, "postgres", false), "objects of another engine are not made")
	}
}

package arch

// rule forbids imports. Patterns are import paths, with "/..." for a tree; drover's
// own go without the module's path.
type rule struct {
	// who may not, and which of them may after all.
	who, but []string
	// what they may not import, and which of it is free after all.
	never, except []string
	// linked looks through the imports of imports too.
	linked bool
	why    string
}

var (
	services = []string{"services/coordinator/...", "services/extractor/...", "services/loader/...", "services/validator/..."}
	adapters = []string{"internal/engine/memory/...", "internal/engine/mysql/...", "internal/engine/postgres/...", "internal/engine/sqlite/..."}
	drivers  = []string{"database/sql", "github.com/jackc/pgx/v5/...", "modernc.org/sqlite/...", "github.com/go-sql-driver/mysql/...",
		"github.com/go-mysql-org/go-mysql/..."}
	everyone = []string{"cmd/...", "embedded/...", "gen/...", "internal/...", "services/..."}
	testOnly = []string{"testing", "github.com/stretchr/testify/...", "go.uber.org/goleak"}
)

// rules are the arrows of ARCHITECTURE.md that must not be drawn.
func rules() []rule {
	list := []rule{
		{who: []string{"internal/..."}, never: []string{"services/...", "cmd/...", "embedded/..."},
			why: "what services share cannot know them"},
		{who: []string{"services/..."}, never: []string{"cmd/...", "embedded/..."},
			why: "services are put together above them"},
		{who: []string{"gen/..."}, never: []string{"internal/...", "services/...", "cmd/...", "embedded/..."},
			why: "contracts stand below everything"},

		{who: []string{"services/coordinator/..."}, never: append([]string{"internal/engine/..."}, drivers...), linked: true,
			why: "the coordinator opens no user database and holds no password"},

		{who: []string{"internal/engine"}, never: adapters, linked: true,
			why: "a contract does not know who fulfils it"},
		{who: everyone, but: append([]string{"internal/engine/all"}, adapters...), never: adapters,
			why: "engines are reached through the contract; internal/engine/all is their one list"},
		{who: everyone, but: []string{"cmd/...", "embedded/..."}, never: []string{"internal/engine/all"},
			why: "who puts a process together chooses its engines"},
		{who: everyone, but: append([]string{"internal/testdb", "cmd/drover/internal/shop"}, adapters...), never: drivers,
			why: "drivers stay inside their adapters; the demo's shop is a database like a user's"},

		{who: everyone, but: []string{"internal/bus/...", "services/coordinator/internal/journal", "services/coordinator/internal/presence", "services/coordinator", "embedded/...", "cmd/..."},
			never: []string{"github.com/nats-io/..."},
			why:   "NATS is known to the bus, the control log and what asks for its leader; others at most hand a connection on"},
		{who: everyone, but: []string{"internal/bus/natsd", "embedded/...", "cmd/..."}, never: []string{"internal/bus/natsd"},
			why: "services do not care where NATS runs"},
		{who: everyone, but: []string{"services/coordinator/internal/state"}, never: []string{"github.com/hashicorp/go-memdb"},
			why: "the state is changed by Apply alone"},
		{who: everyone, but: []string{"gen/...", "internal/rpc/...", "internal/worker/...", "services/coordinator", "embedded/...", "cmd/..."},
			never: []string{"google.golang.org/grpc/..."},
			why:   "gRPC is an edge: errors cross it in internal/rpc, jobs in internal/worker"},

		{who: everyone, but: []string{"internal/testdb", "internal/engine/enginetest", "internal/engine/memory/memorytest"},
			never: testOnly,
			why:   "what tests need does not ship"},
		{who: everyone, but: []string{"internal/testdb"}, never: []string{"internal/testdb", "internal/freeport"}, linked: true,
			why: "what tests need does not ship"},
	}
	list = append(list, strangers(services, "services talk through gen's clients and the stream, never by calls")...)
	return append(list, strangers(adapters, "what engines share belongs into internal/engine or internal/canon")...)
}

// strangers forbids each of some trees to import any other of them.
func strangers(trees []string, why string) []rule {
	var list []rule
	for _, tree := range trees {
		list = append(list, rule{who: []string{tree}, never: trees, except: []string{tree}, linked: true, why: why})
	}
	return list
}

// leaf names all that a package may import besides the standard library.
type leaf struct {
	who string
	may []string
	why string
}

var leaves = []leaf{
	{"internal/fault", nil, "errors are used by everything"},
	{"internal/faultpoint", []string{"internal/fault"}, "it is compiled into every service"},
	{"internal/dial", []string{"golang.org/x/sys/unix"}, "databases of every kind are dialled alike"},
	{"internal/guard", nil, "it is compiled into every service"},
	{"internal/secret", []string{"internal/fault"}, "the less sees a password the better"},
	{"internal/loss", []string{"gen/..."}, "rules have names wherever values are read"},
	{"internal/canon", []string{"gen/...", "internal/loss"}, "the encoding of values depends on nothing that changes"},
	{"internal/keyrange", []string{"gen/...", "internal/canon", "google.golang.org/protobuf/..."}, "ranges are pure values"},
	{"internal/batch", []string{"gen/...", "internal/canon", "internal/fault", "internal/guard", "google.golang.org/protobuf/...", "github.com/zeebo/xxh3"},
		"the format on the wire depends on nothing that changes"},
	{"internal/sqltoken", nil, "how SQL is cut depends on nothing that changes"},
	{"internal/sqlexpr", []string{"gen/...", "internal/canon", "internal/sqltoken"}, "what an expression means, no server is asked"},
	{"internal/filter", []string{"gen/...", "internal/canon", "internal/fault"}, "a condition means the same in every process"},
	{"internal/engine", []string{"gen/...", "internal/batch", "internal/canon", "internal/fault", "internal/filter", "internal/glob", "internal/keyrange", "internal/loss", "internal/secret",
		"google.golang.org/protobuf/..."}, "the contract knows values and ranges, no technology"},
}

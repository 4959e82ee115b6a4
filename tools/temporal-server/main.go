// Command temporal-server is a whole Temporal server in one process, on SQLite, for tests.
//
// It takes what the Temporal CLI's `server start-dev` takes from the SDKs, so WorkflowEnvironment.start_local starts
// either. It exists because the CLI that can be built from the module proxy embeds an older server, and because what
// the tests need of a newer one (time skipping, pause, fairness) is off by default. There is no web UI in it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/chasm/lib/activity"
	"go.temporal.io/server/chasm/lib/callback"
	"go.temporal.io/server/chasm/lib/nexusoperation"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/components/nexusoperations"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

const (
	usage       = "usage: temporal server start-dev [--port N] [--ip A] [--namespace X]... [--db-filename F] ..."
	clusterName = "active"
	store       = "sqlite"
	// A database remembers the cluster that made it, so the id must be the same at each start.
	clusterID = "5f8f0a3e-6f0c-4c0e-9a53-70726f636573"
)

// options is what the command line says.
type options struct {
	ip               string
	port             int
	httpPort         int
	namespaces       []string
	dbFile           string
	logFormat        string
	logLevel         string
	dynamic          map[string]any
	searchAttributes map[string]enumspb.IndexedValueType
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "temporal-server:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 1 && (args[0] == "--version" || args[0] == "-v") {
		// The words of the CLI, because whoever looks for a server reads its version from them.
		_, err := fmt.Fprintf(out, "temporal version procession-dev (Server %s)\n", headers.ServerVersion)
		return err
	}
	if len(args) < 2 || args[0] != "server" || args[1] != "start-dev" {
		return fmt.Errorf("%s", usage)
	}
	opts, err := parse(args[2:])
	if err != nil {
		return err
	}
	// Heard from the beginning: a signal while the server starts must not leave it half-way.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := build(opts)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	if _, err := fmt.Fprintf(out, "Server %s: %s\n", headers.ServerVersion, address(opts.ip, opts.port)); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

// --- the command line ------------------------------------------------------------------------------------------------

func parse(args []string) (*options, error) {
	opts := &options{
		namespaces:       []string{"default"},
		dynamic:          map[string]any{},
		searchAttributes: map[string]enumspb.IndexedValueType{},
	}
	flags := flag.NewFlagSet("server start-dev", flag.ContinueOnError)
	flags.StringVar(&opts.ip, "ip", "127.0.0.1", "address to listen on")
	flags.IntVar(&opts.port, "port", 7233, "port of the gRPC service")
	flags.IntVar(&opts.httpPort, "http-port", 0, "port of the HTTP service (default: a free one)")
	flags.StringVar(&opts.dbFile, "db-filename", "", "file of the database (default: in memory)")
	flags.StringVar(&opts.logFormat, "log-format", "text", "json, or anything else for text")
	flags.StringVar(&opts.logLevel, "log-level", "warn", "debug, info, warn, error or never")
	flags.Func("namespace", "namespace to create beside `default`; may be repeated", func(name string) error {
		opts.namespaces = append(opts.namespaces, name)
		return nil
	})
	flags.Func("dynamic-config-value", "`key=value`, the value in JSON; may be repeated", opts.setDynamic)
	flags.Func("search-attribute", "`name=type` to register; may be repeated", opts.setSearchAttribute)
	// There is no UI: the SDKs pass one of these, and neither changes anything.
	flags.Bool("headless", true, "accepted for the CLI's sake")
	flags.Int("ui-port", 0, "accepted for the CLI's sake")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if opts.ip == "localhost" {
		opts.ip = "127.0.0.1" // the server binds to addresses only
	}
	return opts, nil
}

func (o *options) setDynamic(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("want key=value")
	}
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		return fmt.Errorf("the value of %s is not JSON: %w", key, err)
	}
	if number, ok := decoded.(json.Number); ok {
		// A setting of type int takes an int, and refuses the float64 that JSON would make of it.
		if whole, err := strconv.Atoi(number.String()); err == nil {
			decoded = whole
		} else if decoded, err = number.Float64(); err != nil {
			return fmt.Errorf("the value of %s is no number the server can hold: %w", key, err)
		}
	}
	o.dynamic[key] = decoded
	return nil
}

func (o *options) setSearchAttribute(text string) error {
	name, kind, _ := strings.Cut(text, "=")
	for known, value := range enumspb.IndexedValueType_shorthandValue {
		if strings.EqualFold(known, kind) && value != 0 {
			o.searchAttributes[name] = enumspb.IndexedValueType(value)
			return nil
		}
	}
	return fmt.Errorf("%q is no type of a search attribute", kind)
}

// --- the server ------------------------------------------------------------------------------------------------------

func build(o *options) (temporal.Server, error) {
	services, hosts, err := o.services()
	if err != nil {
		return nil, err
	}
	database, err := o.database()
	if err != nil {
		return nil, err
	}
	conf := o.config(services, database)
	logger := o.logger()
	claims, err := authorization.GetClaimMapperFromConfig(&conf.Global.Authorization, logger)
	if err != nil {
		return nil, err
	}
	return temporal.NewServer(
		temporal.WithConfig(conf),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(o.dynamicConfig()),
	)
}

func (o *options) services() (map[string]config.Service, map[primitives.ServiceName]static.Hosts, error) {
	// The asked port is tried before anything is written, so that the message names the port and not a service.
	if _, err := freePort(o.ip, o.port); err != nil {
		return nil, nil, fmt.Errorf("cannot listen on port %d: %w", o.port, err)
	}
	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for _, name := range []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		rpc := config.RPC{BindOnIP: o.ip, GRPCPort: o.port}
		var err error
		if name == primitives.FrontendService {
			o.httpPort, err = freePort(o.ip, o.httpPort)
			rpc.HTTPPort = o.httpPort
		} else {
			rpc.GRPCPort, err = freePort(o.ip, 0)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("no port for the %s service: %w", name, err)
		}
		services[string(name)] = config.Service{RPC: rpc}
		hosts[name] = static.SingleLocalHost(address(o.ip, rpc.GRPCPort))
	}
	return services, hosts, nil
}

func (o *options) database() (*config.SQL, error) {
	sql := &config.SQL{PluginName: sqliteplugin.PluginName}
	if o.dbFile == "" {
		sql.DatabaseName = "procession"
		sql.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	} else {
		// A log of changes that is synced at checkpoints only: a killed process loses nothing, a power cut may.
		sql.DatabaseName = o.dbFile
		sql.ConnectAttributes = map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "1"}
		if info, err := os.Stat(o.dbFile); os.IsNotExist(err) || (err == nil && info.Size() == 0) {
			if err := sqliteschema.SetupSchema(sql); err != nil {
				return nil, fmt.Errorf("cannot create the database %s: %w", o.dbFile, err)
			}
		}
	}
	for _, name := range o.namespaces {
		namespace, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, o.searchAttributes)
		if err != nil {
			return nil, fmt.Errorf("namespace %s: %w", name, err)
		}
		// One that is there already stays as it is.
		if err := sqliteschema.CreateNamespaces(sql, namespace); err != nil {
			return nil, fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return sql, nil
}

func (o *options) config(services map[string]config.Service, database *config.SQL) *config.Config {
	frontend := address(o.ip, o.port)
	conf := &config.Config{
		Services: services,
		Persistence: config.Persistence{
			DefaultStore:     store,
			VisibilityStore:  store,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{store: {SQL: database}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
				Enabled:                true,
				InitialFailoverVersion: 1,
				RPCAddress:             frontend,
				HTTPAddress:            address(o.ip, o.httpPort),
				ClusterID:              clusterID,
			}},
		},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
	conf.Global.Membership.MaxJoinDuration = 30 * time.Second
	conf.Global.Membership.BroadcastAddress = o.ip
	conf.DCRedirectionPolicy.Policy = "noop"
	conf.Archival.History.State = "disabled"
	conf.Archival.Visibility.State = "disabled"
	conf.NamespaceDefaults.Archival.History.State = "disabled"
	conf.NamespaceDefaults.Archival.Visibility.State = "disabled"
	return conf
}

func (o *options) logger() log.Logger {
	if o.logLevel == "never" {
		return log.NewNoopLogger()
	}
	format := "console"
	if o.logFormat == "json" {
		format = "json"
	}
	return log.NewZapLogger(log.BuildZapLogger(log.Config{Level: o.logLevel, Format: format}))
}

// dynamicConfig is what differs from a server's defaults; the command line has the last word.
func (o *options) dynamicConfig() dynamicconfig.StaticClient {
	web := address(o.ip, o.httpPort)
	callbackURL := "http://" + web + "/namespaces/{{.NamespaceName}}/nexus/callback"
	client := dynamicconfig.StaticClient{
		// What the tests are about, and a server has off until it is asked.
		dynamicconfig.WorkflowTimeSkippingEnabled.Key():         true,
		dynamicconfig.WorkflowPauseEnabled.Key():                true,
		dynamicconfig.MatchingEnableFairness.Key():              true,
		dynamicconfig.MatchingUseNewMatcher.Key():               true,
		dynamicconfig.EnableSuggestCaNOnNewTargetVersion.Key():  true,
		dynamicconfig.EnableChasm.Key():                         true,
		activity.Enabled.Key():                                  true,
		activity.EnableStandaloneActivityOperatorCommands.Key(): true,
		// A skipped timer fires when the queue of timers looks again: a second later by default, for the sake of
		// clocks that differ between machines. There is one clock here, so a skipped day takes 20 ms.
		dynamicconfig.TimerProcessorMaxTimeShift.Key(): time.Millisecond,
		// Queues are read twenty times a second, which is what a chain of skipped timers would be held to.
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      10000,
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   10000,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 10000,
		// A workflow continues as new once a second at most, which a skipped clock even counts twice: the run after
		// the next starts hours too late.
		dynamicconfig.WorkflowIdReuseMinimalInterval.Key(): time.Duration(0),
		// After 200 skips a workflow would go on in real time, and say nothing.
		dynamicconfig.WorkflowTimeSkippingMaxSkipPerSession.Key(): 10000,
		// A test registers a search attribute or an endpoint, and uses it at once; reading past the caches costs
		// queries, hence the limits.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		dynamicconfig.ForceNexusEndpointRefreshOnRead.Key():         true,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():               10000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                45000,
		// One process serves everything that a cluster would share out.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():                 8096,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		// An operation of Nexus answers by HTTP to this very process.
		nexusoperations.CallbackURLTemplate.Key(): callbackURL,
		nexusoperation.CallbackURLTemplate.Key():  callbackURL,
		callback.AllowedAddresses.Key():           []any{map[string]any{"Pattern": web, "AllowInsecure": true}},
	}
	for key, value := range o.dynamic {
		client[dynamicconfig.MakeKey(key)] = value
	}
	return client
}

// --- the network -----------------------------------------------------------------------------------------------------

// freePort says which port it could listen on: the asked one, or with 0 one the system chose.
func freePort(ip string, port int) (int, error) {
	listener, err := net.Listen("tcp", address(ip, port))
	if err != nil {
		return 0, err
	}
	chosen := listener.Addr().(*net.TCPAddr).Port
	return chosen, listener.Close()
}

func address(ip string, port int) string {
	return net.JoinHostPort(ip, strconv.Itoa(port))
}

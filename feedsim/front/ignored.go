// The written list of directives that are read and change nothing here.

package front

// ignored says of each directive why it has no effect. Everything that is
// neither here nor in the tables of directives.go is an error.
//
// Logging is [Options.Observe]'s and [Options.Log]'s; the process is the program's, which uses this
// package; replies are passed on as they come, and no file is ever served.
var ignored = map[string]string{
	"access_log":                     "logging: Options.Observe is told of every request",
	"error_log":                      "logging: Options.Log is told of every line, whatever its level",
	"log_format":                     "logging: Options.Observe is told of every request",
	"log_not_found":                  "logging: Options.Observe is told of every request",
	"open_log_file_cache":            "logging: Options.Observe is told of every request",
	"daemon":                         "the process is the program's",
	"master_process":                 "the process is the program's",
	"pid":                            "the process is the program's",
	"user":                           "the process is the program's",
	"lock_file":                      "the process is the program's",
	"worker_cpu_affinity":            "the process is the program's",
	"worker_priority":                "the process is the program's",
	"worker_rlimit_nofile":           "the process is the program's; worker_connections is what limits",
	"worker_shutdown_timeout":        "the process is the program's",
	"timer_resolution":               "timers are exact",
	"use":                            "which system call reports events changes no reply",
	"multi_accept":                   "how many requests one turn of the loop reads is drawn, see Options.Seed",
	"accept_mutex":                   "which process accepts is drawn, see Options.Seed",
	"types":                          "no file is served, so no type is ever looked up",
	"default_type":                   "no file is served, so no type is ever looked up",
	"types_hash_max_size":            "no file is served, so no type is ever looked up",
	"types_hash_bucket_size":         "no file is served, so no type is ever looked up",
	"sendfile":                       "no file is served",
	"tcp_nopush":                     "when a packet leaves; it needs sendfile",
	"tcp_nodelay":                    "when a packet leaves; connections here never delay",
	"server_tokens":                  "the version in the Server header and in error pages; here there is none, as with off",
	"server_name":                    "each address has one server, which gets every request",
	"proxy_headers_hash_max_size":    "the size of a table of nginx's",
	"proxy_headers_hash_bucket_size": "the size of a table of nginx's",
	"server_names_hash_bucket_size":  "the size of a table of nginx's",
	"server_names_hash_max_size":     "the size of a table of nginx's",
}

// ignoredWith are directives that change nothing with this one argument.
var ignoredWith = map[string]struct{ argument, why string }{
	"gzip":                    {"off", "replies are never compressed"},
	"include":                 {"mime.types", "no file is served, so no type is ever looked up"},
	"proxy_cache":             {"off", "nothing is ever cached"},
	"proxy_redirect":          {"off", "headers of replies are never rewritten"},
	"proxy_http_version":      {"1.0", "that is what upstreams are spoken to in"},
	"proxy_request_buffering": {"on", "a request's body is always read before an upstream is chosen"},
}

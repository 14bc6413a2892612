// How a try at an upstream can fail: in nginx's words, and as conditions of
// proxy_next_upstream.

package front

// failures is a set of conditions of proxy_next_upstream.
// Source: src/http/ngx_http_upstream.h, NGX_HTTP_UPSTREAM_FT_*.
type failures uint16

const (
	onError failures = 1 << iota
	onTimeout
	onInvalidHeader
	on500
	on502
	on503
	on504
	on403
	on404
	on429
	nonIdempotent
	onNoLive // never set by a directive
)

// nextUpstreamWords are the words of proxy_next_upstream
// (ngx_http_proxy_next_upstream_masks). off excludes all others.
var nextUpstreamWords = map[string]failures{
	"error":          onError,
	"timeout":        onTimeout,
	"invalid_header": onInvalidHeader,
	"non_idempotent": nonIdempotent,
	"http_500":       on500,
	"http_502":       on502,
	"http_503":       on503,
	"http_504":       on504,
	"http_403":       on403,
	"http_404":       on404,
	"http_429":       on429,
	"off":            0,
}

// onStatus is the condition that a reply with this status meets, 0 if none.
func onStatus(status int) failures {
	switch status {
	case 500:
		return on500
	case 502:
		return on502
	case 503:
		return on503
	case 504:
		return on504
	case 403:
		return on403
	case 404:
		return on404
	case 429:
		return on429
	}
	return 0
}

// status is what the client gets when the last try failed so
// (ngx_http_upstream_next).
func (f failures) status() int {
	switch f {
	case onTimeout, on504:
		return 504
	case on500:
		return 500
	case on503:
		return 503
	case on403:
		return 403
	case on404:
		return 404
	case on429:
		return 429
	}
	return 502
}

// An Outcome is how a try at an upstream ended, in words like those of nginx's error
// log; [Served] if it ended well. Its line of that log is the try's Message.
type Outcome string

const (
	// Served: a complete reply, as far as HTTP can tell.
	Served Outcome = "served"
	// Refused: the connection was refused (ECONNREFUSED), or a full unix socket's
	// backlog or its like turned it away.
	Refused Outcome = "connect() failed (111: Connection refused)"
	// Unconnected: connecting failed in another way; Err says how.
	Unconnected Outcome = "connect() failed"
	// TimedOut: proxy_connect_timeout, proxy_send_timeout or proxy_read_timeout
	// passed; While says which.
	TimedOut Outcome = "upstream timed out (110: Connection timed out)"
	// Reset: the upstream cut the connection (ECONNRESET, or EPIPE for a write).
	Reset Outcome = "(104: Connection reset by peer)"
	// ClosedEarly: the upstream closed before the header or the body was complete.
	ClosedEarly Outcome = "upstream prematurely closed connection"
	// Invalid: the header is not HTTP, or does not fit in proxy_buffer_size.
	Invalid Outcome = "upstream sent invalid header"
	// Passed: the reply's status is one for which proxy_next_upstream goes on.
	Passed Outcome = "upstream sent a status to be tried elsewhere"
	// NoLive: no peer was left to try. No connection was made.
	NoLive Outcome = "no live upstreams"
	// NoSlot: worker_connections were not enough for a connection to the peer.
	NoSlot Outcome = "worker_connections are not enough"
	// ClientGone: the client closed its connection, or did not read.
	ClientGone Outcome = "client closed connection"
)

// A While is what a request was at when its try ended, in nginx's words.
type While string

const (
	// Connecting: no connection was made.
	Connecting While = "while connecting to upstream"
	// Sending: the request could not be sent.
	Sending While = "while sending request to upstream"
	// ReadingHeader: no complete header came.
	ReadingHeader While = "while reading response header from upstream"
	// ReadingBody: the header came, and not all that should have followed.
	ReadingBody While = "while reading upstream"
)

// The peers of an upstream: whose turn it is, and who is marked as failed.
// Source: nginx 1.22, src/http/ngx_http_upstream_round_robin.c.

package front

// group is one process's view of an upstream's peers.
type group struct {
	peers []peer
}

// peer is one address of an upstream. Times are whole seconds, as in nginx
// (ngx_time), so a fail_timeout of 10 s lasts until the clock's second is more
// than 10 past the one of the mark: up to a second longer.
type peer struct {
	addr        string
	maxFails    int
	failTimeout int64

	current, effective int // weights; the configured weight is 1
	fails              int
	accessed, checked  int64
}

// pick is the choices made for one request.
type pick struct {
	group int
	tried []bool // by peer
	peer  int    // the last one chosen; -1 if none was left
	// connected says that the process had a connection for it.
	connected bool
}

// choose is ngx_http_upstream_get_round_robin_peer, with
// ngx_http_upstream_get_peer: smooth weighted round robin over the peers that
// were not tried for this request and are not marked as failed. A single peer is
// never marked. (Early versions made all peers live again when none was left.)
func (g *group) choose(p *pick, now int64) int {
	if len(g.peers) == 1 {
		return 0
	}
	best, total := -1, 0
	for i := range g.peers {
		x := &g.peers[i]
		if p.tried[i] || x.maxFails > 0 && x.fails >= x.maxFails && now-x.checked <= x.failTimeout {
			continue
		}
		x.current += x.effective
		total += x.effective
		if x.effective < 1 {
			x.effective++
		}
		if best < 0 || x.current > g.peers[best].current {
			best = i
		}
	}
	if best < 0 {
		return -1
	}
	p.tried[best] = true
	x := &g.peers[best]
	x.current -= total
	if now-x.checked > x.failTimeout {
		x.checked = now
	}
	return best
}

// leave is ngx_http_upstream_free_round_robin_peer. It reports whether the peer is
// marked as failed from now on.
func (g *group) leave(i int, failed bool, now int64) bool {
	if len(g.peers) == 1 {
		return false
	}
	x := &g.peers[i]
	if !failed {
		if x.accessed < x.checked { // it was given another chance, and took it
			x.fails = 0
		}
		return false
	}
	x.fails++
	x.accessed, x.checked = now, now
	if x.maxFails == 0 {
		return false
	}
	x.effective = max(0, x.effective-1/x.maxFails)
	return x.fails >= x.maxFails
}

// Orders, decoded into objects that are used again.

package fixed

import (
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"example.com/outagelab/pocserver/worker"
)

// PooledObject takes an order: the form's fields are an item and, for who does
// not collect it at the shop, an address. Shops take thousands of orders a
// second, so orders come from a pool.
func PooledObject(_ http.RoundTripper) http.Handler {
	return &pooledObjectShop{orders: sync.Pool{New: func() any { return new(pooledOrder) }}}
}

type pooledObjectShop struct{ orders sync.Pool }

type pooledOrder struct{ item, address string }

// decode sets what the form has.
func (o *pooledOrder) decode(form url.Values) {
	if form.Has("item") {
		o.item = form.Get("item")
	}
	if form.Has("address") {
		o.address = form.Get("address")
	}
}

func (s *pooledObjectShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	order := s.orders.Get().(*pooledOrder)
	defer s.orders.Put(order)
	*order = pooledOrder{}
	order.decode(r.Form)
	worker.Await(r.Context(), 20*time.Millisecond) // is it in stock?
	where := order.address
	if where == "" {
		where = "the shop, where you collect it"
	}
	_, _ = io.WriteString(w, "We send your "+order.item+" to "+where)
}

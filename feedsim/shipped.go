// The exercise's nginx.conf, for whoever brings no file of their own.

package feedsim

import _ "embed"

// Shipped is the exercise's nginx.conf, unchanged: every route goes to the app
// server on PreforkPort, and nothing else is set.
//
//go:embed nginx.conf
var Shipped string

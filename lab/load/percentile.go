// Percentiles of a sample, by nearest rank.

package load

import (
	"fmt"
	"math/big"
	"strconv"
)

// NearestRank returns the rank of the p-th percentile among n ascending values, from 1 to n: the smallest k for
// which k values are at least p percent of all. That is p·n/100, rounded up. p must be above 0 and at most 100, and n
// at least 1; otherwise NearestRank returns 0.
//
// p counts as it is written in decimal, so p = 99.9 of 1,000 values is rank 999. In binary floating point
// 99.9/100 × 1,000 is slightly more than 999, and rounding up gives 1,000, which is the maximum.
func NearestRank(p float64, n int) int {
	if !(p > 0 && p <= 100) || n < 1 {
		return 0
	}
	rank, ok := new(big.Rat).SetString(strconv.FormatFloat(p, 'g', -1, 64))
	if !ok {
		panic(fmt.Sprintf("load: %v is not a decimal number", p)) // FormatFloat writes what SetString reads
	}
	rank.Mul(rank, big.NewRat(int64(n), 100))
	up := new(big.Int).Sub(rank.Denom(), big.NewInt(1))
	return int(up.Add(up, rank.Num()).Div(up, rank.Denom()).Int64())
}

// Percentile returns the p-th percentile of values that are sorted in ascending order: the value at [NearestRank]. It
// is one of the values, because nothing is interpolated. ok is false if there are no values, or if p is not above 0
// and at most 100.
func Percentile[T any](ascending []T, p float64) (value T, ok bool) {
	rank := NearestRank(p, len(ascending))
	if rank == 0 {
		return value, false
	}
	return ascending[rank-1], true
}

package template

import (
	"math/big"
	"net/netip"
	"strconv"
)

// zones makes up three availability zones of a region. There are none here, and templates only want names to spread over.
func (r *run) zones(n, argument *node) any {
	region, instead, ok := r.text(argument, "Fn::GetAZs", "the region")
	if !ok {
		return instead
	}
	if region == "" {
		region = r.env.Region
	}
	return []any{region + "a", region + "b", region + "c"}
}

// cidr is Fn::Cidr: count blocks of 2^bits addresses each, from the start of the given block.
// Source: CloudFormation User Guide, "Fn::Cidr".
func (r *run) cidr(n *node, arguments []*node) any {
	var values [3]string
	for i, a := range arguments {
		s, instead, ok := r.text(a, "Fn::Cidr", "a value")
		if !ok {
			return instead
		}
		values[i] = s
	}
	block, err := netip.ParsePrefix(values[0])
	if err != nil {
		return r.fail(n, "Template error: Fn::Cidr: %q is not a block of addresses", values[0])
	}
	count, err := strconv.Atoi(values[1])
	if err != nil || count < 1 || count > 256 {
		return r.fail(n, "Template error: Fn::Cidr: the count is from 1 to 256, and this is %q", values[1])
	}
	width := block.Addr().BitLen()
	bits := 8 // blocks of 256 addresses, unless told otherwise
	if width > 32 {
		bits = 64
	}
	if len(arguments) == 3 {
		if bits, err = strconv.Atoi(values[2]); err != nil || bits < 1 || bits > width {
			return r.fail(n, "Template error: Fn::Cidr: the bits are from 1 to %d, and this is %q", width, values[2])
		}
	}
	size := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	whole := new(big.Int).Lsh(big.NewInt(1), uint(width-block.Bits()))
	if new(big.Int).Mul(size, big.NewInt(int64(count))).Cmp(whole) > 0 {
		return r.fail(n, "Template error: Fn::Cidr: %s has no room for %d blocks of %d bits", values[0], count, bits)
	}
	next := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	out := make([]any, 0, count)
	for range count {
		raw := next.FillBytes(make([]byte, width/8))
		addr, _ := netip.AddrFromSlice(raw)
		out = append(out, netip.PrefixFrom(addr, width-bits).String())
		next.Add(next, size)
	}
	return out
}

package value

import (
	"encoding/binary"

	"github.com/sockgate/sockgate"
)

// storedVersion is the first byte of a stored item.
//
//	stored = version fields
//	fields = count *( length name value )
//	value  = kind payload
//	payload: S, N, B length bytes; BOOL %x00 or %x01; NULL nothing; M fields; L count *value; sets count *( length bytes )
//
// Counts and lengths are unsigned varints; kinds are the numbers of the constants.
const storedVersion = 1

var errStored = sockgate.Internalf("stored item is damaged")

// AppendStored appends the item in the form in which it is stored: a version byte, then the attributes. A checksum is the
// store's business.
func (it Item) AppendStored(dst []byte) []byte {
	return appendStoredFields(append(dst, storedVersion), it)
}

func appendStoredFields(dst []byte, fields []Field) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	for i := range fields {
		dst = appendStoredText(dst, fields[i].Name)
		dst = fields[i].Value.appendStored(dst)
	}
	return dst
}

func appendStoredText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func (v *Value) appendStored(dst []byte) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case S, N, B:
		return appendStoredText(dst, v.text)
	case BOOL:
		if v.truth {
			return append(dst, 1)
		}
		return append(dst, 0)
	case M:
		return appendStoredFields(dst, v.fields)
	case L:
		dst = binary.AppendUvarint(dst, uint64(len(v.fields)))
		for i := range v.fields {
			dst = v.fields[i].Value.appendStored(dst)
		}
	case SS, NS, BS:
		dst = binary.AppendUvarint(dst, uint64(len(v.fields)))
		for i := range v.fields {
			dst = appendStoredText(dst, v.fields[i].Value.text)
		}
	}
	return dst
}

// storedReader reads stored bytes; after the first damage it yields nothing more.
type storedReader[T string | []byte] struct {
	src     T
	damaged bool
}

func (r *storedReader[T]) byte() byte {
	if len(r.src) == 0 {
		r.damaged = true
		return 0
	}
	b := r.src[0]
	r.src = r.src[1:]
	return b
}

// count reads a varint. What it counts takes at least a byte each, so more than there are bytes is damage: nothing is
// allocated for it.
func (r *storedReader[T]) count() int {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7F) << shift
		if b < 0x80 {
			if n > uint64(len(r.src)) {
				break
			}
			return int(n)
		}
	}
	r.damaged = true
	return 0
}

func (r *storedReader[T]) text() T {
	n := r.count()
	s := r.src[:n]
	r.src = r.src[n:]
	return s
}

// ReadStored reads what AppendStored wrote, all of src. The item shares src's memory. Errors: sockgate.Internal, for bytes
// that AppendStored did not write; never a panic.
func ReadStored(src string) (Item, error) {
	r := storedReader[string]{src: src}
	if r.byte() != storedVersion {
		return nil, errStored
	}
	fields := readFields(&r, 1)
	if r.damaged || len(r.src) != 0 {
		return nil, errStored
	}
	return Item(fields), nil
}

func readFields(r *storedReader[string], depth int) []Field {
	fields := make([]Field, r.count())
	for i := range fields {
		fields[i].Name = r.text()
		readValue(r, &fields[i].Value, depth)
		if r.damaged || i > 0 && fields[i-1].Name >= fields[i].Name {
			r.damaged = true
			return nil
		}
	}
	return fields
}

func readValue(r *storedReader[string], v *Value, depth int) {
	v.kind = Kind(r.byte())
	switch v.kind {
	case S, N, B:
		v.text = r.text()
	case BOOL:
		v.truth = r.byte() == 1
	case NULL:
	case M, L:
		switch {
		case depth > MaxDepth:
			r.damaged = true
		case v.kind == M:
			v.fields = readFields(r, depth+1)
		default:
			v.fields = make([]Field, r.count())
			for i := 0; i < len(v.fields) && !r.damaged; i++ {
				readValue(r, &v.fields[i].Value, depth+1)
			}
		}
	case SS, NS, BS:
		v.fields = make([]Field, r.count())
		for i := range v.fields {
			v.fields[i].Value = Value{kind: v.kind.Member(), text: r.text()}
		}
	default:
		r.damaged = true
	}
}

// AppendStoredJSON appends stored bytes as DynamoDB JSON without making an Item: what a plain GetItem needs.
// Errors: as ReadStored's; what was appended then is of no use.
func AppendStoredJSON(dst, stored []byte) ([]byte, error) {
	r := storedReader[[]byte]{src: stored}
	if r.byte() != storedVersion {
		return dst, errStored
	}
	dst = appendFieldsJSON(dst, &r, 1)
	if r.damaged || len(r.src) != 0 {
		return dst, errStored
	}
	return dst, nil
}

func appendFieldsJSON(dst []byte, r *storedReader[[]byte], depth int) []byte {
	dst = append(dst, '{')
	for i := range r.count() {
		dst = AppendString(comma(dst, i), r.text())
		dst = append(dst, ':')
		if dst = appendValueJSON(dst, r, depth); r.damaged {
			return dst
		}
	}
	return append(dst, '}')
}

func appendValueJSON(dst []byte, r *storedReader[[]byte], depth int) []byte {
	k := Kind(r.byte())
	if k < S || k > NULL || depth > MaxDepth && (k == M || k == L) {
		r.damaged = true
		return dst
	}
	dst = openJSON(dst, k)
	switch k {
	case S, N:
		dst = AppendString(dst, r.text())
	case B:
		dst = appendBase64(dst, string(r.text()))
	case BOOL:
		dst = appendBool(dst, r.byte() == 1)
	case NULL:
		dst = append(dst, "true"...)
	case M:
		dst = appendFieldsJSON(dst, r, depth+1)
	default:
		dst = append(dst, '[')
		for i := range r.count() {
			dst = comma(dst, i)
			switch k {
			case L:
				dst = appendValueJSON(dst, r, depth+1)
			case BS:
				dst = appendBase64(dst, string(r.text()))
			default:
				dst = AppendString(dst, r.text())
			}
			if r.damaged {
				return dst
			}
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

package natskv

// WithFreeSpace returns cfg with the store asking f how many bytes are free.
func WithFreeSpace(cfg Config, f func(dir string) (uint64, error)) Config {
	cfg.freeSpace = f
	return cfg
}

// Reserve is what a write leaves free.
const Reserve = reserve

package runtime

import (
	"time"
)

// How often the watcher looks.
const (
	memoryEvery = 100 * time.Millisecond
	idleEvery   = time.Second
	sampleEvery = time.Second // of a call that is over before the watcher has seen it
)

// watch enters a process into what the watcher looks after. The watcher is one goroutine, started with the first process
// and ended by Close: it ends processes that use more memory than their function has, and those that have been idle.
//
// Memory is what a process and its children use for themselves: without what they share, such as the interpreter's file. It is
// looked at ten times a second, so a process may pass its limit by what it can fill in a tenth of a second.
func (p *Pools) watch(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[proc] = struct{}{}
	if p.watched || p.closed.Load() {
		return
	}
	p.watched = true
	p.watcher.Go(p.look)
}

func (p *Pools) unwatch(proc *process) {
	p.mu.Lock()
	delete(p.live, proc)
	p.mu.Unlock()
}

func (p *Pools) look() {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	var swept time.Time
	for {
		select {
		case <-p.stop:
			return
		case now := <-tick.C:
			p.checkMemory()
			if now.Sub(swept) >= idleEvery {
				swept = now
				p.expireIdle()
			}
		}
	}
}

func (p *Pools) checkMemory() {
	for _, proc := range p.busyProcesses() {
		_, own := proc.sample()
		if own > int64(proc.spec.memoryMB())<<20 {
			proc.outOfMemory.Store(true)
			proc.child.Kill()
		}
	}
}

func (p *Pools) busyProcesses() []*process {
	p.mu.Lock()
	defer p.mu.Unlock()
	var busy []*process
	for proc := range p.live {
		if proc.busy.Load() {
			busy = append(busy, proc)
		}
	}
	return busy
}

// sample looks at the memory of the process and its children: all of it, and what they have for themselves.
func (proc *process) sample() (all, own int64) {
	all, own = memoryOf(proc.child.PID)
	proc.sampled.Store(time.Now().UnixMilli())
	if all > proc.memory.Load() {
		proc.memory.Store(all)
	}
	return all, own
}

// usedMB is the most memory that the process was seen to use.
func (proc *process) usedMB() int {
	if time.Now().UnixMilli()-proc.sampled.Load() > sampleEvery.Milliseconds() {
		proc.sample()
	}
	return int((proc.memory.Load() + 1<<20 - 1) >> 20)
}

func (p *Pools) expireIdle() {
	now := p.config.Clock()
	p.functions.Range(func(_, f any) bool {
		for _, proc := range f.(*function).expire(now.Add(-p.config.Idle), now) {
			p.watcher.Go(proc.end)
		}
		return true
	})
}

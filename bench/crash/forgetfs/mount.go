package forgetfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// FS is a file system that can be mounted, cut off and mounted again. Its methods must be called from one goroutine; the
// programs that use the mount may be as many as they like.
//
// Programs that map files into memory must run in another process than the FS: a page fault that this process has to
// answer for itself can stop it.
type FS struct {
	tree   *tree
	door   *door
	server *fuse.Server
	dir    string
}

// New returns an empty file system.
func New(names Names) *FS { return &FS{tree: newTree(names)} }

// ErrUnavailable says that this machine cannot mount a FUSE file system; the wrapping error says why.
var ErrUnavailable = errors.New("FUSE is not available")

// Mount mounts f over the existing directory dir, whose own content is hidden until Unmount.
func (f *FS) Mount(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	// Opening the device tells a missing module, device or right from a failing mount.
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := device.Close(); err != nil {
		return err
	}
	door := &door{RawFileSystem: fuse.NewDefaultRawFileSystem(), tree: f.tree, listings: map[uint64][]fuse.DirEntry{}}
	server, err := fuse.NewServer(door, dir, &fuse.MountOptions{
		DirectMount:              true, // as root no helper is needed; without root it falls back to fusermount3
		FsName:                   "forgetfs",
		Name:                     "forgetfs",
		MaxWrite:                 1 << 20,
		DisableXAttrs:            true,
		DisableReadDirPlus:       true,
		ExplicitDataCacheControl: true, // every change comes through this mount, so the kernel need not guess
	})
	if err != nil {
		return fmt.Errorf("%w: mount %s: %w", ErrUnavailable, dir, err)
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	f.door, f.server, f.dir = door, server, dir
	return nil
}

// Unmount ends the mount. It fails while a process still uses it. Nothing is forgotten.
func (f *FS) Unmount() error {
	if f.server == nil {
		return nil
	}
	if err := f.server.Unmount(); err != nil {
		return fmt.Errorf("unmount %s: %w", f.dir, err)
	}
	f.server = nil
	return nil
}

// PowerCut cuts the power: at one instant nothing more reaches the disk, all that was not durable is forgotten, and every
// operation of the present mount fails. A torn generator leaves a random part of the rest, see the package comment.
//
// kill is called at that instant, before any waiting program has its answer. It must send SIGKILL to the programs on
// the mount and must not wait for their end: so none of them lives to see an I/O error that a real power cut would
// never have shown it. Afterwards wait for their end, then call Remount.
func (f *FS) PowerCut(torn *rand.Rand, kill func()) Loss {
	f.tree.mu.Lock()
	defer f.tree.mu.Unlock()
	f.door.off = true
	loss := f.tree.powerCut(torn)
	kill()
	return loss
}

// Remount unmounts and mounts again, with nothing of the old mount left in the kernel's caches.
func (f *FS) Remount() error {
	if err := f.Unmount(); err != nil {
		return err
	}
	return f.Mount(f.dir)
}

// door answers the kernel for one mount.
type door struct {
	fuse.RawFileSystem // answers ENOSYS to what is not below
	tree               *tree

	// Guarded by tree.mu.
	off        bool                       // power is cut: a program still waiting is dead and gets EIO
	listings   map[uint64][]fuse.DirEntry // open directories
	nextHandle uint64
}

// forever is how long the kernel may cache names and attributes: all changes come through it.
const forever = 24 * 3600

// enter locks the tree and looks the node up; leave must be called in any case.
func (d *door) enter(id uint64) (*node, fuse.Status) {
	d.tree.mu.Lock()
	if d.off {
		return nil, fuse.EIO
	}
	n := d.tree.known[id]
	if n == nil {
		return nil, fuse.Status(syscall.ESTALE)
	}
	return n, fuse.OK
}

func (d *door) leave() { d.tree.mu.Unlock() }

func (d *door) String() string { return "forgetfs" }

// StatFs shows a roomy disk, so that programs which reserve a share of it start.
func (d *door) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blocks = 64 << 30 / pageSize
	*out = fuse.StatfsOut{Blocks: blocks, Bfree: blocks, Bavail: blocks, Files: 1 << 20, Ffree: 1 << 20,
		Bsize: pageSize, Frsize: pageSize, NameLen: 255}
	return fuse.OK
}

func (d *door) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	dir, status := d.enter(h.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	n := dir.entries[name]
	if n == nil {
		return fuse.ENOENT
	}
	d.show(n, out)
	return fuse.OK
}

// show hands a node to the kernel, which then holds one reference more.
func (d *door) show(n *node, out *fuse.EntryOut) {
	d.tree.known[n.ino] = n
	n.references++
	out.NodeId, out.Generation = n.ino, 1
	out.EntryValid, out.AttrValid = forever, forever
	n.attributes(&out.Attr)
}

func (n *node) attributes(a *fuse.Attr) {
	*a = fuse.Attr{Ino: n.ino, Mode: n.mode, Nlink: 1, Size: uint64(n.now.size), Blksize: pageSize,
		Blocks: uint64(len(n.now.pages)) * pageSize / 512, Owner: fuse.Owner{Uid: n.uid, Gid: n.gid}}
	a.SetTimes(&n.mtime, &n.mtime, &n.mtime)
}

func (d *door) Forget(id, references uint64) {
	n, status := d.enter(id)
	defer d.leave()
	if !status.Ok() {
		return
	}
	n.references -= min(n.references, references)
	if n.references == 0 && n != d.tree.root {
		delete(d.tree.known, id)
	}
}

func (d *door) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	out.AttrValid = forever
	n.attributes(&out.Attr)
	return fuse.OK
}

func (d *door) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	if size, ok := in.GetSize(); ok {
		if n.isDir() {
			return fuse.EISDIR
		}
		n.truncate(int64(size))
	}
	if mode, ok := in.GetMode(); ok {
		n.mode = n.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	if uid, ok := in.GetUID(); ok {
		n.uid = uid
	}
	if gid, ok := in.GetGID(); ok {
		n.gid = gid
	}
	if mtime, ok := in.GetMTime(); ok {
		n.mtime = mtime
	}
	out.AttrValid = forever
	n.attributes(&out.Attr)
	return fuse.OK
}

func (d *door) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return d.create(&in.InHeader, name, syscall.S_IFDIR|in.Mode&^in.Umask, out)
}

func (d *door) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return d.create(&in.InHeader, name, syscall.S_IFREG|in.Mode&^in.Umask, &out.EntryOut)
}

func (d *door) create(h *fuse.InHeader, name string, mode uint32, out *fuse.EntryOut) fuse.Status {
	dir, status := d.enter(h.NodeId)
	defer d.leave()
	switch {
	case !status.Ok():
		return status
	case dir.parent == nil && dir != d.tree.root:
		return fuse.ENOENT
	case dir.entries[name] != nil:
		return fuse.Status(syscall.EEXIST)
	}
	n := d.tree.newNode(mode, h.Uid, h.Gid)
	d.tree.change(nameChange{{dir, name, n}})
	d.show(n, out)
	return fuse.OK
}

func (d *door) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return d.remove(h, name, false)
}

func (d *door) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return d.remove(h, name, true)
}

func (d *door) remove(h *fuse.InHeader, name string, wantDir bool) fuse.Status {
	dir, status := d.enter(h.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	n := dir.entries[name]
	switch {
	case n == nil:
		return fuse.ENOENT
	case wantDir && !n.isDir():
		return fuse.ENOTDIR
	case !wantDir && n.isDir():
		return fuse.EISDIR
	case len(n.entries) > 0:
		return fuse.Status(syscall.ENOTEMPTY)
	}
	d.tree.change(nameChange{{dir, name, nil}})
	return fuse.OK
}

func (d *door) Rename(_ <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	from, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	to := d.tree.known[in.Newdir]
	if to == nil {
		return fuse.Status(syscall.ESTALE)
	}
	n, replaced := from.entries[oldName], to.entries[newName]
	const noReplace = 1 // RENAME_NOREPLACE; the other flags are not offered
	switch {
	case in.Flags&^noReplace != 0:
		return fuse.EINVAL
	case n == nil:
		return fuse.ENOENT
	case n == replaced:
		return fuse.OK
	case replaced == nil:
	case in.Flags == noReplace:
		return fuse.Status(syscall.EEXIST)
	case replaced.isDir() && !n.isDir():
		return fuse.EISDIR
	case !replaced.isDir() && n.isDir():
		return fuse.ENOTDIR
	case len(replaced.entries) > 0:
		return fuse.Status(syscall.ENOTEMPTY)
	}
	// The old name goes first, so that the node ends with a parent.
	d.tree.change(nameChange{{from, oldName, nil}, {to, newName, n}})
	return fuse.OK
}

func (d *door) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	if in.Flags&syscall.O_TRUNC != 0 {
		n.truncate(0)
	}
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return fuse.OK
}

func (d *door) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return nil, status
	}
	return fuse.ReadResultData(buf[:n.read(int64(in.Offset), buf)]), fuse.OK
}

func (d *door) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return 0, status
	}
	n.write(int64(in.Offset), data)
	// Pages written back from a mapping carry the flags of any one open file, so only a program's own write counts.
	if in.Flags&syscall.O_DSYNC != 0 && in.WriteFlags&fuse.WRITE_CACHE == 0 {
		d.tree.syncFile(n)
	}
	return uint32(len(data)), fuse.OK
}

func (d *door) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE: room is never short here, so it asks for nothing
	switch {
	case !status.Ok():
		return status
	case in.Mode == keepSize:
		return fuse.OK
	case in.Mode != 0:
		return fuse.ENOTSUP
	}
	n.truncate(max(n.now.size, int64(in.Offset+in.Length)))
	return fuse.OK
}

// Flush is close(2), which makes nothing durable.
func (d *door) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (d *door) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if status.Ok() {
		d.tree.syncFile(n)
	}
	return status
}

func (d *door) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if status.Ok() {
		d.tree.syncDir(n)
	}
	return status
}

// OpenDir takes the listing, so that names changing during ReadDir neither repeat nor hide one.
func (d *door) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	listing := []fuse.DirEntry{{Name: ".", Mode: syscall.S_IFDIR}, {Name: "..", Mode: syscall.S_IFDIR}}
	for _, name := range sortedNames(n.entries) {
		listing = append(listing, fuse.DirEntry{Name: name, Mode: n.entries[name].mode, Ino: n.entries[name].ino})
	}
	d.nextHandle++
	d.listings[d.nextHandle] = listing
	out.Fh = d.nextHandle
	return fuse.OK
}

func (d *door) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	_, status := d.enter(in.NodeId)
	defer d.leave()
	if !status.Ok() {
		return status
	}
	listing := d.listings[in.Fh]
	for at := in.Offset; at < uint64(len(listing)); at++ {
		if !out.AddDirEntry(listing[at]) {
			break
		}
	}
	return fuse.OK
}

func (d *door) ReleaseDir(in *fuse.ReleaseIn) {
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	delete(d.listings, in.Fh)
}

var _ fuse.RawFileSystem = (*door)(nil)

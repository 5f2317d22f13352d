// Package forgetfs is a file system that forgets, on command, everything that was not made durable: a power cut that
// can be repeated as often as a test likes. It is mounted over FUSE and holds its content in memory.
//
// A SIGKILL alone proves little, since the kernel's page cache survives it. A power cut loses the page cache, and with
// it every write that no fsync covered. This package keeps two states of each file and directory, what programs see
// now and what a disk would still hold, and PowerCut makes the second the first.
//
// What is durable, and when:
//
//   - fsync, fdatasync, msync and writes to a file opened with O_SYNC or O_DSYNC make that file's data and size durable,
//     and nothing else.
//   - A name (created, renamed, unlinked) is durable after fsync of its directory. A rename is one step: a cut never
//     shows half of it, and syncing either directory of a rename between two of them makes both sides durable.
//   - A directory whose own name was never synced is lost with all it holds, synced or not.
//   - Mode, owner and times are always durable: nothing here is meant to test them.
//
// That is Names = Strict, what POSIX promises and no more. SQLite (WAL, synchronous=FULL) keeps all it acknowledged under
// it. NATS JetStream with sync_always does not: it never syncs the directories that it makes, nor that of a new block
// file, and counts on what ext4, XFS and Btrfs add: fsync of a file also commits that file's own name and those of the
// directories above it. That is Names = WithFile, on which the whole program is cut; ext4 commits still more (its whole
// journal). TestStores holds all of this.
//
// With a seeded generator PowerCut is harsher than all or nothing: it keeps a random subset of the unsynced 4 KiB pages
// and sizes, and a prefix of the unsynced names, as a disk does whose cache was half written out.
//
// The package must not be told which program runs on it, and it never decides by file name.
package forgetfs

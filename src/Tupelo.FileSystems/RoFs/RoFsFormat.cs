// The read-only file system of OSv on disk. Little endian, blocks of 512 bytes, no checksums.
//   block 0        superblock: eight 64-bit numbers, see the constants
//   block 1 ..     data: each file that is not empty is contiguous, begins at a block, and is padded with zeros
//   then           structure: three packed tables without alignment between them
//     entries      u64 inode number, u16 length of the name in bytes, name
//     symlinks     u16 length of the target in bytes, target
//     inodes       u64 mode, u64 inode number (index + 1), u64 data, u64 count; inode 1 is the root
//   and zeros up to a whole block; a structure of whole blocks is followed by one more block of zeros, which is not counted.
// An inode's data and count are, for a directory (0x4000), its first entry and how many; for a file (0x8000), its first block and
// its size in bytes; for a symbolic link (0xA000), its place in the table of symlinks and 1.
namespace Tupelo.FileSystems;

internal static class RoFsFormat
{
    public const ulong Magic = 0xDEADBEAD;
    public const ulong Version = 1;
    public const int BlockBytes = 512;

    public const int SuperblockBytes = 64;
    public const int MagicAt = 0;
    public const int VersionAt = 8;
    public const int BlockSizeAt = 16;
    public const int FirstStructureBlockAt = 24;
    public const int StructureBlocksAt = 32;
    public const int EntryCountAt = 40;
    public const int SymlinkCountAt = 48;
    public const int InodeCountAt = 56;

    public const int EntryHeaderBytes = 10;
    public const int SymlinkHeaderBytes = 2;
    public const int InodeBytes = 32;

    /// <summary>Permissions that OSv shows for everything.</summary>
    public const uint DefaultPermissions = 0x16D; // 0555
}

// The bodies of FUSE requests and replies, as they travel: little-endian, naturally aligned, no pointers.
// Field order is the wire's. Sizes are asserted by FuseMessageSizes in the tests. Source: include/uapi/linux/fuse.h, protocol 7.45.
using System.Runtime.InteropServices;

namespace Tupelo.Fuse;

/// <summary>Before each request.</summary>
public struct FuseInHeader
{
    public const int Bytes = 40;

    /// <summary>Of the whole request, this header included.</summary>
    public uint Length;
    public FuseOpcode Opcode;

    /// <summary>Names the request; a reply repeats it.</summary>
    public ulong Unique;
    public ulong NodeId;
    public uint Uid;
    public uint Gid;

    /// <summary>The calling thread, in the server's pid namespace; 0 when it is not visible there, or the kernel itself.</summary>
    public uint Pid;

    /// <summary>Length of the extensions at the request's end, in units of 8 bytes.</summary>
    public ushort ExtensionLength8;
    public ushort Padding;
}

/// <summary>Before each reply.</summary>
public struct FuseOutHeader
{
    public const int Bytes = 16;
    public uint Length;

    /// <summary>0, a negative errno, or the code of a notification (then <see cref="Unique"/> is 0).</summary>
    public int Error;
    public ulong Unique;
}

internal struct FuseAttr
{
    public ulong Ino;
    public ulong Size;
    public ulong Blocks;
    public ulong AccessSeconds;
    public ulong ModifySeconds;
    public ulong ChangeSeconds;
    public uint AccessNanoseconds;
    public uint ModifyNanoseconds;
    public uint ChangeNanoseconds;
    public uint Mode;
    public uint LinkCount;
    public uint Uid;
    public uint Gid;
    public uint RawDevice;
    public uint BlockSize;
    public uint Flags;
}

internal struct FuseEntryOut
{
    public ulong NodeId;
    public ulong Generation;
    public ulong EntrySeconds;
    public ulong AttrSeconds;
    public uint EntryNanoseconds;
    public uint AttrNanoseconds;
    public FuseAttr Attr;
}

internal struct FuseAttrOut
{
    public ulong AttrSeconds;
    public uint AttrNanoseconds;
    public uint Dummy;
    public FuseAttr Attr;
}

internal struct FuseForgetOne
{
    public ulong NodeId;
    public ulong Lookups;
}

internal struct FuseBatchForgetIn
{
    public uint Count;
    public uint Dummy;
}

internal struct FuseGetAttrIn
{
    public uint Flags;
    public uint Dummy;
    public ulong FileHandle;
}

internal struct FuseSetAttrIn
{
    public SetAttrValid Valid;
    public uint Padding;
    public ulong FileHandle;
    public ulong Size;
    public ulong LockOwner;
    public ulong AccessSeconds;
    public ulong ModifySeconds;
    public ulong ChangeSeconds;
    public uint AccessNanoseconds;
    public uint ModifyNanoseconds;
    public uint ChangeNanoseconds;
    public uint Mode;
    public uint Unused4;
    public uint Uid;
    public uint Gid;
    public uint Unused5;
}

internal struct FuseMkNodIn
{
    public uint Mode;
    public uint RawDevice;
    public uint Umask;
    public uint Padding;
}

internal struct FuseMkDirIn
{
    public uint Mode;
    public uint Umask;
}

internal struct FuseRename2In
{
    public ulong NewDirectory;
    public uint Flags;
    public uint Padding;
}

internal struct FuseOpenIn
{
    public uint Flags;
    public uint OpenFlags;
}

internal struct FuseCreateIn
{
    public uint Flags;
    public uint Mode;
    public uint Umask;
    public uint OpenFlags;
}

internal struct FuseOpenOut
{
    public ulong FileHandle;
    public FuseOpenReplyFlags Flags;
    public int BackingId;
}

internal struct FuseReleaseIn
{
    public ulong FileHandle;
    public uint Flags;
    public uint ReleaseFlags;
    public ulong LockOwner;
}

internal struct FuseFlushIn
{
    public ulong FileHandle;
    public uint Unused;
    public uint Padding;
    public ulong LockOwner;
}

// READ, READDIR and READDIRPLUS.
internal struct FuseReadIn
{
    public ulong FileHandle;
    public ulong Offset;
    public uint Size;
    public uint ReadFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

internal struct FuseWriteIn
{
    public ulong FileHandle;
    public ulong Offset;
    public uint Size;
    public uint WriteFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

// Also GETXATTR's and LISTXATTR's length.
internal struct FuseSizeOut
{
    public uint Size;
    public uint Padding;
}

internal struct FuseStatFsOut
{
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public uint BlockSize;
    public uint NameLength;
    public uint FragmentSize;
    public uint Padding;
    public ulong Spare0;
    public ulong Spare1;
    public ulong Spare2;
}

internal struct FuseFSyncIn
{
    public ulong FileHandle;
    public uint Flags;
    public uint Padding;
}

internal struct FuseSetXattrIn
{
    public uint Size;
    public uint Flags;
}

internal struct FuseFileLock
{
    public ulong Start;
    public ulong End;
    public uint Type;
    public uint Pid;
}

internal struct FuseLockIn
{
    public ulong FileHandle;
    public ulong Owner;
    public FuseFileLock Lock;
    public uint Flags;
    public uint Padding;
}

internal struct FuseInitIn
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public uint Flags2;
}

internal struct FuseInitOut
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularity;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
    public uint MaxStackDepth;
    public ushort RequestTimeout;
    public ushort Unused0;
    public uint Unused1;
    public uint Unused2;
    public uint Unused3;
    public uint Unused4;
    public uint Unused5;
}

[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal struct FuseIoctlIn
{
    public ulong FileHandle;
    public uint Flags;
    public uint Command;
    public ulong Argument;
    public uint InSize;
    public uint OutSize;
}

internal struct FuseIoctlOut
{
    public int Result;
    public uint Flags;
    public uint InSegments;
    public uint OutSegments;
}

internal struct FuseFAllocateIn
{
    public ulong FileHandle;
    public ulong Offset;
    public ulong Length;
    public uint Mode;
    public uint Padding;
}

internal struct FuseLSeekIn
{
    public ulong FileHandle;
    public ulong Offset;
    public uint Whence;
    public uint Padding;
}

internal struct FuseCopyRangeIn
{
    public ulong SourceHandle;
    public ulong SourceOffset;
    public ulong TargetNodeId;
    public ulong TargetHandle;
    public ulong TargetOffset;
    public ulong Length;
    public ulong Flags;
}

internal struct FuseDirent
{
    public const int Bytes = 24;
    public ulong Ino;
    public ulong Offset;
    public uint NameLength;
    public uint Type;
}

internal struct FuseStatxIn
{
    public uint GetAttrFlags;
    public uint Reserved;
    public ulong FileHandle;
    public uint StatxFlags;
    public uint StatxMask;
}

internal struct FuseStatxTime
{
    public long Seconds;
    public uint Nanoseconds;
    public int Reserved;
}

internal struct FuseStatxOut
{
    public ulong AttrSeconds;
    public uint AttrNanoseconds;
    public uint Flags;
    public ulong Spare0;
    public ulong Spare1;
    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint LinkCount;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    public ushort Spare2;
    public ulong Ino;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public FuseStatxTime AccessTime;
    public FuseStatxTime BirthTime;
    public FuseStatxTime ChangeTime;
    public FuseStatxTime ModifyTime;
    public uint RawDeviceMajor;
    public uint RawDeviceMinor;
    public uint DeviceMajor;
    public uint DeviceMinor;
    public StatxSpare Spare3;
}

[System.Runtime.CompilerServices.InlineArray(14)]
internal struct StatxSpare
{
    private ulong _first;
}

internal struct FuseInvalidateInodeOut
{
    public ulong NodeId;
    public long Offset;
    public long Length;
}

internal struct FuseInvalidateEntryOut
{
    public ulong Parent;
    public uint NameLength;
    public uint Flags;
}

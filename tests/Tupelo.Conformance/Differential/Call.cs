// A Call is one step of a random run: which process makes which system call with which arguments. It refers to nothing but numbers
// and names, never to the result of an earlier call, so that any subset of a run is a run: that is what lets failures be shrunk.
using System.Globalization;
using System.Text;

namespace Tupelo.Conformance.Differential;

/// <summary>The calls of a run; a few are short sequences that only make sense together.</summary>
internal enum CallKind
{
    Fork,
    Exit,
    SetCredentials,
    Umask,
    ChDir,
    FChDir,
    ChRoot,
    GetCwd,
    OpenAt,
    OpenAt2,
    Close,
    CloseRange,
    Dup,
    Dup2,
    Dup3,
    Fcntl,
    RecordLock,
    Flock,
    Pipe2,
    MemfdCreate,
    EventFd2,
    Read,
    Write,
    PRead,
    PWrite,
    ReadV,
    WriteV,
    PReadV2,
    PWriteV2,
    LSeek,
    Truncate,
    FTruncate,
    FAllocate,
    FAdvise,
    FSync,
    FDataSync,
    SyncFileRange,
    SyncFs,
    CopyFileRange,
    SendFile,
    Splice,

    /// <summary>splice or sendfile from a memory file of its own into a pipe: see <see cref="CallExecutor"/>.</summary>
    FilePipe,
    Tee,
    IoCtl,

    /// <summary>mmap, a store, msync, munmap, below the file's end.</summary>
    MapAndStore,
    Poll,
    EpollCreate1,
    EpollCtl,
    EpollWait,
    MkDirAt,
    MkNodAt,
    UnlinkAt,
    RenameAt2,
    LinkAt,
    SymlinkAt,
    ReadLinkAt,

    /// <summary>getdents64 with a buffer of a random size: only whether it worked is compared, the order of names is free.</summary>
    GetDents64,

    /// <summary>lseek to 0, then getdents64 to the end: the set of names is compared.</summary>
    ListDirectory,
    FStat,
    NewFStatAt,
    StatX,
    StatFs,
    FStatFs,
    FAccessAt2,
    FChMod,
    FChModAt2,
    FChOwn,
    FChOwnAt,
    UtimeNsAt,
    SetXattr,
    LSetXattr,
    FSetXattr,
    GetXattr,
    LGetXattr,
    FGetXattr,
    ListXattr,
    LListXattr,
    FListXattr,
    RemoveXattr,
    LRemoveXattr,
    FRemoveXattr,
    InotifyInit1,
    InotifyAddWatch,
    InotifyRmWatch,
    Mount,
    Umount2,

    /// <summary>name_to_handle_at, then open_by_handle_at.</summary>
    OpenByHandle,
}

/// <summary>One call. What the numbers mean depends on the kind; see <see cref="CallExecutor"/>.</summary>
internal sealed record Call(CallKind Kind, int Process)
{
    public int Fd { get; init; }

    public int Fd2 { get; init; }

    /// <summary>Null is a NULL pointer.</summary>
    public byte[]? Path { get; init; }

    public byte[]? Path2 { get; init; }

    public long A { get; init; }

    public long B { get; init; }

    public long C { get; init; }

    public long D { get; init; }

    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"p{Process} {Kind} fd {Fd}");
        if (Fd2 != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $", fd2 {Fd2}");
        }
        if (Path is not null || Path2 is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $", {Quote(Path)}");
        }
        if (Path2 is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $", {Quote(Path2)}");
        }
        return text.Append(CultureInfo.InvariantCulture, $", a {Number(A)}, b {Number(B)}, c {Number(C)}, d {Number(D)}").ToString();
    }

    /// <summary>Printable form of a name: text, escapes, and long runs shortened.</summary>
    internal static string Quote(ReadOnlySpan<byte> bytes)
    {
        const int MostQuoted = 1000;
        if (bytes.IsEmpty)
        {
            return "\"\"";
        }
        StringBuilder text = new("\"");
        for (int i = 0; i < bytes.Length; i++)
        {
            int run = 1;
            while (i + run < bytes.Length && bytes[i + run] == bytes[i])
            {
                run++;
            }
            if (text.Length > MostQuoted)
            {
                text.Append(CultureInfo.InvariantCulture, $"... ({bytes.Length} bytes)");
                break;
            }
            text.Append(bytes[i] is >= 0x20 and < 0x7F ? ((char)bytes[i]).ToString() : $"\\x{bytes[i]:x2}");
            if (run > 8)
            {
                text.Append(CultureInfo.InvariantCulture, $"{{{run} times}}");
                i += run - 1;
            }
        }
        return text.Append('"').ToString();
    }

    private static string Quote(byte[]? bytes) => bytes is null ? "NULL" : Quote(bytes.AsSpan());

    private static string Number(long value) => value is > -1000 and < 1000 ? $"{value}" : $"0x{value:x}";
}

// The few Linux calls that turning into a daemon takes.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tupelo.Cli;

[SupportedOSPlatform("linux")]
internal static unsafe partial class DaemonCalls
{
    internal const int O_RDWR = 2;
    internal const int O_CLOEXEC = 0x80000;
    internal const int F_SETFD = 2;
    internal const int FD_CLOEXEC = 1;
    internal const int CLOSE_RANGE_CLOEXEC = 4;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint EffectiveUid();

    [LibraryImport("libc", EntryPoint = "getegid")]
    internal static partial uint EffectiveGid();

    [LibraryImport("libc", EntryPoint = "setsid", SetLastError = true)]
    internal static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    internal static partial int Pipe(int* descriptors, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    internal static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close_range", SetLastError = true)]
    internal static partial int CloseRange(uint first, uint last, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int fd);
}

// The terminal of this process while a line is edited: raw, so that every key comes at once and Ctrl-C is a key. Between lines it is as
// it was, so that commands can be interrupted. Unix only; elsewhere, and where standard input is no terminal, there is none.
//
// struct termios is opaque here (it differs between systems, and 256 bytes hold every one): the C library makes it raw.
using System.Runtime.InteropServices;

namespace Tupelo.Cli.LineEditing;

internal sealed unsafe partial class RawTerminal : IDisposable
{
    private const int InputDescriptor = 0;
    private const int TermiosBytes = 256;
    private const int AfterOutput = 1; // TCSADRAIN
    private const int EscapeMilliseconds = 50;
    private const short Readable = 1;

    private static readonly byte[] s_normal = new byte[TermiosBytes];
    private static bool s_isRaw;

    // A program that is told to end (SIGTERM) leaves the terminal as it found it.
    static RawTerminal() => AppDomain.CurrentDomain.ProcessExit += static (_, _) => Restore();

    private RawTerminal()
    {
    }

    /// <summary>Whether lines can be edited: standard input is a terminal that obeys.</summary>
    public static bool IsPossible
    {
        get
        {
            if (OperatingSystem.IsWindows())
            {
                return false;
            }
            fixed (byte* settings = s_normal)
            {
                return GetSettings(InputDescriptor, settings) == 0;
            }
        }
    }

    /// <summary>Raw from here until it is disposed.</summary>
    public static RawTerminal Enter()
    {
        byte* raw = stackalloc byte[TermiosBytes];
        fixed (byte* normal = s_normal)
        {
            _ = GetSettings(InputDescriptor, normal);
        }
        s_normal.CopyTo(new Span<byte>(raw, TermiosBytes));
        MakeRaw(raw);
        s_isRaw = SetSettings(InputDescriptor, AfterOutput, raw) == 0;
        return new RawTerminal();
    }

    public void Dispose() => Restore();

    /// <summary>The next byte of standard input; -1 at its end.</summary>
    public static int ReadByte()
    {
        const int Eintr = 4;
        byte value;
        while (true)
        {
            nint count = Read(InputDescriptor, &value, 1);
            if (count == 1)
            {
                return value;
            }
            if (count == 0 || Marshal.GetLastPInvokeError() != Eintr)
            {
                return -1;
            }
        }
    }

    /// <summary>Whether a byte comes within the time in which a terminal sends the rest of a key.</summary>
    public static bool HasMore()
    {
        var entry = new PollEntry { Descriptor = InputDescriptor, Events = Readable };
        return Poll(&entry, 1, EscapeMilliseconds) > 0;
    }

    private static void Restore()
    {
        if (s_isRaw)
        {
            s_isRaw = false;
            fixed (byte* normal = s_normal)
            {
                _ = SetSettings(InputDescriptor, AfterOutput, normal);
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetSettings(int descriptor, byte* settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetSettings(int descriptor, int when, byte* settings);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw(byte* settings);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, byte* buffer, nint count);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollEntry* entries, nuint count, int timeoutMilliseconds);
}

// The streams of one run, and what they are. The process has one; tests make their own. Here too: the process' standard output as a
// plain write(2), since a FileStream would keep a position of its own in a file that is shared with other programs, and the
// console's stream hides that nobody reads any more.
using System.Runtime.InteropServices;
using Tupelo.Block;

namespace Tupelo.Cli;

/// <summary>Where output goes, and whether somebody is looking.</summary>
internal sealed partial class Terminal
{
    /// <summary>Opens an image file; the second argument: for reading only.</summary>
    public Func<string, bool, BlockDevice> OpenImage { get; init; } = static (path, readOnly) => FileBlockDevice.Open(path, new FileBlockDeviceOptions { ReadOnly = readOnly });

    /// <summary>Opens standard input.</summary>
    public Func<Stream> Input { get; init; } = static () => Stream.Null;

    /// <summary>Standard output.</summary>
    public required Stream Output { get; init; }

    /// <summary>Standard error.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Standard output is a terminal.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Standard error is a terminal.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Columns of the terminal, when <see cref="OutputIsTerminal"/>.</summary>
    public Func<int> Width { get; init; } = static () => 80;

    /// <summary>Environment variables.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>The bytes of an argument, as it was given to the process; the text has lost those that are not UTF-8.</summary>
    public Func<string, byte[]> ArgumentBytes { get; init; } = System.Text.Encoding.UTF8.GetBytes;

    /// <summary>Cancelled to interrupt the run; the process' own signals come in addition when <see cref="OwnsProcess"/>.</summary>
    public CancellationToken Interrupted { get; init; }

    /// <summary>True when signals to the process are meant for this run.</summary>
    public bool OwnsProcess { get; init; }

    /// <summary>The streams of this process.</summary>
    public static Terminal OfProcess()
    {
        bool unix = !OperatingSystem.IsWindows();
        return new Terminal
        {
            Output = unix ? new StandardOutput() : Console.OpenStandardOutput(),
            Error = new LazyError(),
            Input = Console.OpenStandardInput,
            OutputIsTerminal = unix ? Isatty(1) == 1 : !Console.IsOutputRedirected,
            ErrorIsTerminal = unix ? Isatty(2) == 1 : !Console.IsErrorRedirected,
            Width = static () => Math.Max(20, Console.WindowWidth),
            Variable = Environment.GetEnvironmentVariable,
            ArgumentBytes = BytesOfArgument,
            OwnsProcess = true,
        };
    }

    private static byte[] BytesOfArgument(string argument)
    {
        if (argument.Contains('\uFFFD') && OperatingSystem.IsLinux())
        {
            try
            {
                ReadOnlySpan<byte> rest = File.ReadAllBytes("/proc/self/cmdline");
                while (!rest.IsEmpty)
                {
                    int end = rest.IndexOf((byte)0);
                    ReadOnlySpan<byte> raw = end < 0 ? rest : rest[..end];
                    if (System.Text.Encoding.UTF8.GetString(raw) == argument)
                    {
                        return raw.ToArray();
                    }
                    rest = end < 0 ? default : rest[(end + 1)..];
                }
            }
            catch (IOException)
            {
                // Without /proc the text has to do.
            }
        }
        return System.Text.Encoding.UTF8.GetBytes(argument);
    }

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int Isatty(int descriptor);

    // Most runs never write an error, and the console's writer costs milliseconds.
    private sealed class LazyError : TextWriter
    {
        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value) => Console.Error.Write(value);

        public override void Write(string? value) => Console.Error.Write(value);

        public override void Write(char[] buffer, int index, int count) => Console.Error.Write(buffer, index, count);
    }

    private sealed unsafe partial class StandardOutput : Stream
    {
        private const int EINTR = 4;
        private static readonly int Eagain = OperatingSystem.IsLinux() ? 11 : 35;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            fixed (byte* start = buffer)
            {
                int done = 0;
                while (done < buffer.Length)
                {
                    nint written = Write(1, start + done, buffer.Length - done);
                    if (written >= 0)
                    {
                        done += (int)written;
                        continue;
                    }
                    int error = Marshal.GetLastPInvokeError();
                    if (error == Eagain)
                    {
                        var wait = new PollEntry { Descriptor = 1, Events = 4 };
                        Poll(&wait, 1, -1);
                    }
                    else if (error != EINTR)
                    {
                        throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
                    }
                }
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
        private static partial nint Write(int descriptor, byte* buffer, nint count);

        [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
        private static partial int Poll(PollEntry* entries, nuint count, int timeout);

        [StructLayout(LayoutKind.Sequential)]
        private struct PollEntry
        {
            public int Descriptor;
            public short Events;
            public short Returned;
        }
    }
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Bench;

/// <summary>A file of the host by the system's own calls: the limit that TFS on the same file system is held against.</summary>
internal sealed unsafe partial class RawFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    public RawFile(string path, long sizeBytes)
    {
        _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        if (RandomAccess.GetLength(_handle) != sizeBytes)
        {
            RandomAccess.SetLength(_handle, sizeBytes);
        }
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        fixed (byte* start = buffer)
        {
            Check(Pwrite(_handle, start, buffer.Length, offset), buffer.Length);
        }
    }

    public void Read(Span<byte> buffer, long offset)
    {
        fixed (byte* start = buffer)
        {
            Check(Pread(_handle, start, buffer.Length, offset), buffer.Length);
        }
    }

    /// <summary>fdatasync.</summary>
    public void Flush() => Check(Fdatasync(_handle), 0);

    /// <summary>Makes the whole file system that it is on durable.</summary>
    public void FlushFileSystem() => Check(Syncfs(_handle), 0);

    public void Dispose() => _handle.Dispose();

    private static void Check(nint result, nint expected)
    {
        if (result != expected)
        {
            throw new IOException($"a call of the host failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint Pread(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint Pwrite(SafeFileHandle file, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int Fdatasync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int Syncfs(SafeFileHandle file);
}

using System.IO.Enumeration;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Bench;

/// <summary>The same work through System.IO, each time by the cheapest way that it has: handles and RandomAccess instead of streams.</summary>
internal static class HostFiles
{
    public static void Stat(string path)
    {
        var info = new FileInfo(path);
        if (info.Length < 0)
        {
            throw new FileNotFoundException(path);
        }
    }

    public static void StatMissing(string path)
    {
        if (new FileInfo(path).Exists)
        {
            throw new InvalidOperationException(path);
        }
    }

    public static void OpenClose(string path) => File.OpenHandle(path).Dispose();

    public static void ReadAll(string path, Span<byte> buffer)
    {
        using SafeFileHandle handle = File.OpenHandle(path);
        if (RandomAccess.Read(handle, buffer, 0) != buffer.Length)
        {
            throw new EndOfStreamException(path);
        }
    }

    public static void Create(string path, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.Write(handle, content, 0);
    }

    public static int CountEntries(string directory)
    {
        int count = 0;
        foreach (bool _ in new FileSystemEnumerable<bool>(directory, static (ref FileSystemEntry entry) => entry.IsDirectory))
        {
            count++;
        }
        return count;
    }
}

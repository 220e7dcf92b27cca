// CallerGroups answers whether the caller of the current request is in a group. The client tells one group of requests that make
// files (FUSE_CREATE_SUPP_GROUP); for the others /proc is read, once per request, and only when a decision hangs on it.
using System.Buffers.Text;
using Tupelo.Vfs;

namespace Tupelo.Fuse;

internal sealed class CallerGroups : SupplementaryGroups
{
    internal const uint NoGroup = uint.MaxValue;

    private uint _pid;
    private uint _known;
    private bool _read;
    private byte[]? _status;
    private int _statusBytes;

    internal void Reset(uint pid, uint known)
    {
        _pid = pid;
        _known = known;
        _read = false;
    }

    public override bool Contains(uint gid)
    {
        if (gid == _known)
        {
            return true;
        }
        if (!_read)
        {
            Read();
            _read = true;
        }
        ReadOnlySpan<byte> rest = _status.AsSpan(0, _statusBytes);
        int at = rest.IndexOf("\nGroups:"u8);
        if (at < 0)
        {
            return false;
        }
        rest = rest[(at + 8)..];
        rest = rest[..Math.Max(0, rest.IndexOf((byte)'\n'))];
        while (true)
        {
            rest = rest.TrimStart(" \t"u8);
            if (!Utf8Parser.TryParse(rest, out uint group, out int digits))
            {
                return false;
            }
            if (group == gid)
            {
                return true;
            }
            rest = rest[digits..];
        }
    }

    // Leaves nothing when the process is gone or not to be seen: then it is in no group.
    private void Read()
    {
        _statusBytes = 0;
        if (_pid == 0)
        {
            return;
        }
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle($"/proc/{_pid}/status");
            _status ??= new byte[4096];
            while (true)
            {
                int read = RandomAccess.Read(file, _status.AsSpan(_statusBytes), _statusBytes);
                _statusBytes += read;
                if (read == 0 || _statusBytes >= 1 << 20)
                {
                    return;
                }
                if (_statusBytes == _status.Length)
                {
                    Array.Resize(ref _status, _status.Length * 2);
                }
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            _statusBytes = 0;
        }
    }
}

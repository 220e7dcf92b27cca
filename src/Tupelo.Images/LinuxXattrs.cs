// Extended attributes of a host object. Almost no file has any, so the common case is one call that answers 0.
using Tupelo.Tfs;
using Tupelo.Block;

namespace Tupelo.Images;

internal static unsafe class LinuxXattrs
{
    private const int MaxBytes = 65_536; // of all names together, and of one value (XATTR_LIST_MAX, XATTR_SIZE_MAX)

    [ThreadStatic]
    private static byte[]? s_buffer;

    /// <summary>Adds the attributes of an open object, or of the one at <paramref name="path"/> (NUL-terminated, not followed),
    /// sorted by name.</summary>
    public static Errno Read(int descriptor, byte[]? path, ICollection<KeyValuePair<AttributeName, TfsLiteral>> to)
    {
        s_buffer ??= GC.AllocateUninitializedArray<byte>(2 * MaxBytes, pinned: true);
        fixed (byte* pathStart = path)
        fixed (byte* names = s_buffer)
        {
            nint length = path is null
                ? HostCalls.ListXattrs(descriptor, names, MaxBytes)
                : HostCalls.ListLinkXattrs(pathStart, names, MaxBytes);
            if (length <= 0)
            {
                return length == 0 || HostCalls.LastErrno is Errno.EOPNOTSUPP or Errno.ENOSYS ? Errno.None : HostCalls.LastErrno;
            }
            List<KeyValuePair<AttributeName, TfsLiteral>> found = [];
            byte* value = names + MaxBytes;
            for (byte* name = names; name < names + length;)
            {
                ReadOnlySpan<byte> nameBytes = new(name, (int)(names + length - name));
                nameBytes = nameBytes[..nameBytes.IndexOf((byte)0)];
                nint size = path is null
                    ? HostCalls.GetXattr(descriptor, name, value, MaxBytes)
                    : HostCalls.GetLinkXattr(pathStart, name, value, MaxBytes);
                if (size >= 0)
                {
                    found.Add(new(new AttributeName(nameBytes), new StringLiteral(new ReadOnlySpan<byte>(value, (int)size))));
                }
                else if (HostCalls.LastErrno != Errno.ENODATA) // taken away meanwhile
                {
                    return HostCalls.LastErrno;
                }
                name += nameBytes.Length + 1;
            }
            found.Sort((a, b) => a.Key.Bytes.SequenceCompareTo(b.Key.Bytes));
            foreach (KeyValuePair<AttributeName, TfsLiteral> one in found)
            {
                to.Add(one);
            }
            return Errno.None;
        }
    }
}

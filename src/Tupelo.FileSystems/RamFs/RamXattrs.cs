namespace Tupelo.FileSystems;

/// <summary>The extended attributes of one file, in the order of their making. Guarded by the vnode's lock.</summary>
internal sealed class RamXattrs
{
    private readonly List<(byte[] Name, byte[] Value)> _list = [];

    internal IoResult Get(ReadOnlySpan<byte> name, Span<byte> value)
    {
        int index = Find(name);
        if (index < 0)
        {
            return Errno.ENODATA;
        }
        byte[] stored = _list[index].Value;
        if (value.IsEmpty)
        {
            return IoResult.Bytes(stored.Length);
        }
        if (value.Length < stored.Length)
        {
            return Errno.ERANGE;
        }
        stored.CopyTo(value);
        return IoResult.Bytes(stored.Length);
    }

    internal Errno Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        int index = Find(name);
        if (index >= 0)
        {
            if ((flags & XattrFlags.Create) != 0)
            {
                return Errno.EEXIST;
            }
            _list[index] = (_list[index].Name, value.ToArray());
            return Errno.None;
        }
        if ((flags & XattrFlags.Replace) != 0)
        {
            return Errno.ENODATA;
        }
        _list.Add((name.ToArray(), value.ToArray()));
        return Errno.None;
    }

    internal IoResult List(Span<byte> names)
    {
        int length = 0;
        foreach ((byte[] name, _) in _list)
        {
            length += name.Length + 1;
        }
        if (names.IsEmpty)
        {
            return IoResult.Bytes(length);
        }
        if (names.Length < length)
        {
            return Errno.ERANGE;
        }
        foreach ((byte[] name, _) in _list)
        {
            name.CopyTo(names);
            names[name.Length] = 0;
            names = names[(name.Length + 1)..];
        }
        return IoResult.Bytes(length);
    }

    internal Errno Remove(ReadOnlySpan<byte> name)
    {
        int index = Find(name);
        if (index < 0)
        {
            return Errno.ENODATA;
        }
        _list.RemoveAt(index);
        return Errno.None;
    }

    private int Find(ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < _list.Count; i++)
        {
            if (name.SequenceEqual(_list[i].Name))
            {
                return i;
            }
        }
        return -1;
    }
}

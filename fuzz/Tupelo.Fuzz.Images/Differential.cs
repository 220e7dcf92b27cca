// Two readers, one image: the product and the independent reader must tell the same story wherever both find nothing wrong.
using System.Globalization;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Images;

public enum Agreement
{
    /// <summary>Both read it, and alike.</summary>
    SameTree,
    /// <summary>Both found damage, or the product reported faults.</summary>
    BothRefuse,
    /// <summary>The product reads what the independent reader refuses.</summary>
    ProductLenient,
    /// <summary>The product refuses what the independent reader reads.</summary>
    ProductStrict,
    /// <summary>Both read it and tell different stories: one of them is wrong.</summary>
    Different,
}

public static class Differential
{
    private const int CompareContentBytes = 32768;

    public static Agreement Compare(byte[] image, out string why)
    {
        IndependentVolume? independent = null;
        string refusal = "";
        try
        {
            independent = IndependentVolume.Read(new ImageBytes(image));
        }
        catch (DamagedImageException damaged)
        {
            refusal = damaged.Message;
        }
        TfsVolume? product = null;
        try
        {
            product = TfsVolume.Open(new ArrayBlockDevice(image));
        }
        catch (TfsFormatException damaged)
        {
            why = damaged.Message;
            return independent is null ? Agreement.BothRefuse : Agreement.ProductStrict;
        }
        if (product.Faults.Count > 0)
        {
            why = product.Faults[0].Message;
            return independent is null ? Agreement.BothRefuse : Agreement.ProductStrict;
        }
        if (independent is null)
        {
            why = refusal;
            return Agreement.ProductLenient;
        }
        why = FirstDifference(product, independent);
        return why.Length == 0 ? Agreement.SameTree : Agreement.Different;
    }

    private static string FirstDifference(TfsVolume product, IndependentVolume independent)
    {
        foreach (ImageEntry entry in independent.Entries)
        {
            Errno errno = Find(product, entry.Path, out TfsNode node);
            if (errno != Errno.None)
            {
                return $"{entry.PathText}: {errno}";
            }
            product.GetStat(node, out Stat stat);
            FileType type = product.TypeOf(node);
            if (type != TypeOf(entry.Kind))
            {
                return $"{entry.PathText} is a {type}, and a {entry.Kind}";
            }
            if (type == FileType.Directory)
            {
                continue;
            }
            if ((ulong)stat.SizeBytes != entry.Size && type is FileType.Regular or FileType.Symlink)
            {
                return $"{entry.PathText} is {stat.SizeBytes} bytes long, and {entry.Size}";
            }
            if (stat.LinkCount != Math.Clamp(entry.LinkCount, 1, uint.MaxValue))
            {
                return $"{entry.PathText} has {stat.LinkCount} links, and {entry.LinkCount}";
            }
            if (type == FileType.Symlink && !product.TargetOf(node).SequenceEqual(entry.Target))
            {
                return $"{entry.PathText} has two targets";
            }
            if (type == FileType.Regular && CompareContent(product, node, independent, entry) is { } difference)
            {
                return difference;
            }
        }
        int count = product.AllNodes().Count();
        int expected = independent.Entries.Select(entry => entry.Tuple).Distinct().Count();
        return count == expected ? "" : string.Create(CultureInfo.InvariantCulture, $"{count} file objects, and {expected}");
    }

    // Not Resolve: names are followed one by one, and links are not.
    private static Errno Find(TfsVolume volume, byte[] path, out TfsNode node)
    {
        node = volume.Root;
        foreach (Range range in path.AsSpan(1).Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path.AsSpan(1)[range];
            Errno errno = name.IsEmpty ? Errno.None : volume.Lookup(node, name, out node);
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return Errno.None;
    }

    private static string? CompareContent(TfsVolume product, TfsNode node, IndependentVolume independent, ImageEntry entry)
    {
        if (product.OpenFile(node, out TfsFileReader? file) != Errno.None || file is null)
        {
            return $"{entry.PathText} cannot be opened";
        }
        byte[] one = new byte[(int)Math.Min(entry.Size, CompareContentBytes)];
        byte[] other = new byte[one.Length];
        foreach (ulong offset in (ReadOnlySpan<ulong>)[0, entry.Size - (ulong)one.Length])
        {
            if (file.Read((long)offset, one).Count != one.Length)
            {
                return $"{entry.PathText} cannot be read at {offset}";
            }
            independent.ReadContent(entry, offset, other);
            if (!one.AsSpan().SequenceEqual(other))
            {
                return $"{entry.PathText} has two contents at {offset}";
            }
        }
        return null;
    }

    private static FileType TypeOf(ImageEntryKind kind) => kind switch
    {
        ImageEntryKind.Directory => FileType.Directory,
        ImageEntryKind.File => FileType.Regular,
        ImageEntryKind.Symlink => FileType.Symlink,
        ImageEntryKind.Socket => FileType.Socket,
        ImageEntryKind.Fifo => FileType.Fifo,
        ImageEntryKind.BlockDevice => FileType.BlockDevice,
        _ => FileType.CharDevice,
    };
}

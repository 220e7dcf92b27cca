// Extended attributes as Nanos keeps them: an attribute of the file's tuple with a dot in its name, neither first nor last, and a
// string for a value. Bytes: docs/tfs-format.md#extended-attributes.
using Tupelo.Tfs;

namespace Tupelo.Images;

/// <summary>Extended attributes of files.</summary>
public static class ExtendedAttributes
{
    /// <summary>True when an attribute of this name is an extended attribute.</summary>
    public static bool IsName(ReadOnlySpan<byte> name)
    {
        int dot = name.Length < 3 ? -1 : name[1..^1].IndexOf((byte)'.');
        return dot >= 0 && !name.Contains((byte)0);
    }

    /// <summary>The extended attributes of <paramref name="node"/>.</summary>
    public static List<(byte[] Name, byte[] Value)> Of(TfsVolume volume, TfsNode node)
    {
        var found = new List<(byte[] Name, byte[] Value)>();
        foreach (TfsAttributes attribute in volume.AttributesOf(node))
        {
            TfsValue value = attribute.Value;
            if (value.Kind is TfsValueKind.String or TfsValueKind.Buffer && IsName(attribute.Name))
            {
                found.Add((attribute.Name.ToArray(), value.Bytes.ToArray()));
            }
        }
        return found;
    }
}

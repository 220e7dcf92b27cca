namespace Tupelo.Images.Extraction;

/// <summary>Where symbolic links may lead.</summary>
public static class LinkSafety
{
    /// <summary>True when a link cannot lead outside of the tree that it is in, whatever the other links of the tree are, provided
    /// that they pass this test too.</summary>
    /// <param name="target">The link's target.</param>
    /// <param name="depth">Directories between the tree's root and the link: 0 for a link in the root.</param>
    /// <remarks>".." may stand in front only, and no more often than there are directories above: a link's own directory is a real one,
    /// so going up from there is known; going up from a name is not, since that name may be a link (`d/..` with `d` leading to `.`
    /// leaves the tree).</remarks>
    public static bool StaysInside(ReadOnlySpan<byte> target, int depth)
    {
        if (target.IsEmpty || target[0] == '/')
        {
            return false;
        }
        bool sawName = false;
        while (!target.IsEmpty)
        {
            int length = target.IndexOf((byte)'/');
            ReadOnlySpan<byte> part = length < 0 ? target : target[..length];
            target = length < 0 ? default : target[(length + 1)..];
            if (part.SequenceEqual(".."u8))
            {
                if (sawName || --depth < 0)
                {
                    return false;
                }
            }
            else
            {
                sawName |= !part.IsEmpty && !part.SequenceEqual("."u8);
            }
        }
        return true;
    }
}

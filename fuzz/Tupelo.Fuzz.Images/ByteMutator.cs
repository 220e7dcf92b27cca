// Damages bytes without knowing what they mean: what bad memory, bad cables and half-finished copies do.
namespace Tupelo.Fuzz.Images;

public static class ByteMutator
{
    /// <summary>Damages the image once and returns it, or another array when its length changes.</summary>
    /// <param name="image">May be changed.</param>
    /// <param name="hotBytes">The first so many bytes hold the log, and get most of the damage.</param>
    /// <param name="random">Source of chance.</param>
    public static byte[] Mutate(byte[] image, int hotBytes, FuzzRandom random)
    {
        if (image.Length == 0)
        {
            return image;
        }
        int hot = Math.Clamp(random.OneIn(8) ? image.Length : hotBytes, 1, image.Length);
        int at = random.Below(hot);
        switch (random.Below(12))
        {
            case 0:
            case 1:
            case 2:
                image[at] ^= (byte)(1 << random.Below(8));
                break;
            case 3:
            case 4:
                image[at] = random.Pick<byte>([0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0x81, 0x88, 0x90, 0x91, 0x98, 0xb0, 0xc8, 0xff]);
                break;
            case 5:
                image[at] = (byte)random.Next();
                break;
            case 6:
                int length = random.OneIn(4) ? random.Pick([0, 1, 5, 6, 7, 8, 511, 512, 513, 1023, 1024, 1025]) : random.Below(image.Length);
                Array.Resize(ref image, Math.Min(length, image.Length));
                break;
            case 7:
                image.AsSpan(at & ~511, Math.Min(512, image.Length - (at & ~511))).Clear();
                break;
            case 8:
                Copy(image, random.Below(hot) & ~511, at & ~511, 512); // a sector where another should be
                break;
            case 9:
                Copy(image, random.Below(hot), at, 1 + random.Below(64));
                break;
            case 10:
                Span<byte> run = image.AsSpan(at, Math.Min(1 + random.Below(16), image.Length - at));
                run.Fill((byte)random.Next());
                break;
            default:
                int tail = at & ~511; // a sector of which only the front arrived
                image.AsSpan(at, Math.Min(tail + 512, image.Length) - at).Fill(random.OneIn(2) ? (byte)0 : (byte)random.Next());
                break;
        }
        return image;
    }

    private static void Copy(byte[] image, int from, int to, int length)
    {
        length = Math.Min(length, image.Length - Math.Max(from, to));
        image.AsSpan(from, length).CopyTo(image.AsSpan(to));
    }
}

// Damaged manifests: brackets and quotes in the wrong places, cut-off texts, nesting, bytes of all kinds. The parser gives a tuple or a
// message that says where.
using Tupelo.Images;
using Tupelo.Testing.Images;
using Tupelo.Tfs;

namespace Tupelo.Fuzz.Images;

public static class ManifestTarget
{
    private static readonly byte[][] Seeds =
    [
        File.ReadAllBytes(Path.Combine(GoldenImage.Directory, "06-manifest-attrs.manifest")),
        "(children:(kernel:(contents:(host:output/kernel)) etc:(children:(passwd:(contents:(host:etc/passwd))))) program:/bin/x imagesize:30M)"u8.ToArray(),
        "# nothing\n()\n( a : b )"u8.ToArray(),
        "(boot:(children:(kernel:(contents:(host:k)))) environment:(PATH:\"/bin:/usr/bin\" \"a b\":\"\\\"\\\\\") arguments:[a [b [c]] (d:e)])"u8.ToArray(),
    ];

    private static readonly byte[][] Pieces =
    [
        "("u8.ToArray(), ")"u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(), ":"u8.ToArray(), "\""u8.ToArray(), "\\"u8.ToArray(), "#"u8.ToArray(), "\n"u8.ToArray(),
        "|"u8.ToArray(), "/"u8.ToArray(), " "u8.ToArray(), [0], [0xff], "a:b"u8.ToArray(), "()"u8.ToArray(), "[]"u8.ToArray(), "(a:"u8.ToArray(), "\"\""u8.ToArray(),
        "children:("u8.ToArray(), "contents:(host:x)"u8.ToArray(),
    ];

    public static byte[] Build(ulong seed, long number)
    {
        FuzzRandom random = FuzzRandom.ForCase(seed, number);
        var text = new List<byte>(random.Pick(Seeds));
        for (int steps = random.Below(6); steps > 0; steps--)
        {
            int at = random.Below(text.Count + 1);
            int count = Math.Min(1 + random.Below(random.OneIn(5) ? 60 : 3), text.Count - at);
            switch (random.Below(6))
            {
                case 0:
                    text.RemoveRange(at, count);
                    break;
                case 1:
                    text.InsertRange(at, text.GetRange(at, count));
                    break;
                case 2:
                    text.RemoveRange(at, text.Count - at);
                    break;
                case 3 when random.OneIn(10):
                    byte[] nested = new byte[1 + random.Below(random.OneIn(4) ? 200_000 : 2000)];
                    Array.Fill(nested, random.OneIn(2) ? (byte)'[' : (byte)'(');
                    text.InsertRange(at, nested);
                    break;
                default:
                    text.InsertRange(at, random.Pick(Pieces));
                    break;
            }
        }
        return [.. text];
    }

    public static ImageOutcome Run(byte[] text)
    {
        var digest = new Digest();
        try
        {
            Add(ManifestParser.Parse(text, "fuzz"), ref digest);
        }
        catch (ImageException refused)
        {
            digest.Add(refused.Message);
            return refused.Message.StartsWith("fuzz:", StringComparison.Ordinal)
                ? new ImageOutcome(digest.Value, refused.Message, 0, null)
                : throw new FuzzInvariantException("a message that does not say where: " + refused.Message);
        }
        return new ImageOutcome(digest.Value, null, 0, null);
    }

    // The parser bounds the nesting, so that recursion is safe here.
    private static void Add(TfsLiteral literal, ref Digest digest)
    {
        switch (literal)
        {
            case StringLiteral text:
                digest.Add(text.Bytes);
                break;
            case VectorLiteral vector:
                digest.Add((ulong)vector.Items.Count);
                foreach (TfsLiteral item in vector.Items)
                {
                    Add(item, ref digest);
                }
                break;
            case TupleLiteral tuple:
                digest.Add((ulong)tuple.Count + 1000);
                for (int i = 0; i < tuple.Count; i++)
                {
                    digest.Add(tuple.NameAt(i).Bytes);
                    Add(tuple.ValueAt(i), ref digest);
                }
                break;
            default:
                throw new FuzzInvariantException("a manifest holds something other than tuples, vectors and strings: " + literal);
        }
    }
}

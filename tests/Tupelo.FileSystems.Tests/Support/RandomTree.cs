using System.Text;

namespace Tupelo.FileSystems.Tests;

/// <summary>Trees of random shape, for round trips: directories, files, hard and symbolic links, names of all lengths.</summary>
internal static class RandomTree
{
    public static PackedTree Make(int seed, int files)
    {
        var random = new Random(seed);
        var builder = new PackedTreeBuilder();
        var content = new MemoryStream();
        var directories = new List<int> { builder.AddNode(new PackedNode { Mode = Mode.Directory | 0x1ED }) };
        var regular = new List<int>();
        for (int i = 0; i < files; i++)
        {
            int directory = directories[random.Next(directories.Count)];
            byte[] name = Name(random);
            if (builder.Find(directory, name) >= 0)
            {
                continue;
            }
            switch (random.Next(10))
            {
                case < 3:
                    int made = builder.AddNode(new PackedNode { Mode = Mode.Directory | (uint)random.Next(0x200) });
                    builder.SetName(directory, name, made, 0);
                    directories.Add(made);
                    break;
                case 3:
                    byte[] target = Encoding.UTF8.GetBytes(new string('t', random.Next(1, random.Next(10) == 0 ? 4095 : 60)));
                    int link = builder.AddNode(new PackedNode { Mode = Mode.Symlink | 0x1FF, SizeBytes = target.Length });
                    builder[link].Data = builder.AddTarget(target, 0);
                    builder.SetName(directory, name, link, 0);
                    break;
                case 4 when regular.Count > 0:
                    builder.SetName(directory, name, regular[random.Next(regular.Count)], 0);
                    break;
                default:
                    byte[] bytes = new byte[random.Next(4) switch { 0 => 0, 1 => random.Next(16), 2 => 512 * random.Next(4), _ => random.Next(5000) }];
                    random.NextBytes(bytes);
                    int file = builder.AddNode(new PackedNode { Mode = Mode.Regular | 0x1A4, SizeBytes = bytes.Length, Data = content.Length });
                    content.Write(bytes);
                    builder.SetName(directory, name, file, 0);
                    regular.Add(file);
                    break;
            }
        }
        return new PackedTree(builder, new MemoryBlockDevice(content.ToArray()), 1);
    }

    private static byte[] Name(Random random)
    {
        byte[] name = new byte[random.Next(8) == 0 ? random.Next(1, 256) : random.Next(1, 12)];
        for (int i = 0; i < name.Length; i++)
        {
            // Printable ASCII and, in pairs, two-byte UTF-8: lengths in characters and bytes differ.
            if (i + 1 < name.Length && random.Next(6) == 0)
            {
                (name[i], name[i + 1]) = (0xC3, (byte)random.Next(0x80, 0xC0));
                i++;
                continue;
            }
            name[i] = (byte)random.Next('0', 'z');
        }
        return name;
    }
}

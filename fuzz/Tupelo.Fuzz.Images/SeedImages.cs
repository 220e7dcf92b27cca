// The sound images that the fuzzer starts from: small volumes with everything the format has, made from numbers, and a few goldens.
// Each seed is a document, so that mutations can speak of records and references instead of bytes.
using System.Text;
using Tupelo.Testing.Images;

namespace Tupelo.Fuzz.Images;

/// <summary>A seed: its log as a document, and how many bytes at its front are worth damaging.</summary>
public sealed record SeedImage(string Name, LogDocument Document, int HotBytes);

public static class SeedImages
{
    public const int ForgedCount = 160;

    /// <summary>Goldens whose log is of every day's kind; the whole image is a volume. Cut behind their last used sector.</summary>
    private static readonly string[] Goldens =
    [
        "01-empty", "02-one-file", "05-symlinks", "06-manifest-attrs", "08b-label-31", "11-mutated", "12-compacted", "15-ops-v5",
        "16-ops-v4", "17-synthetic-v5", "18-v4-then-v5",
    ];

    public static IReadOnlyList<SeedImage> Forged { get; } = [.. Enumerable.Range(0, ForgedCount).Select(Forge)];

    public static IReadOnlyList<SeedImage> Golden { get; } = [.. Goldens.Select(Cut)];

    /// <summary>Seed number <paramref name="number"/>: another volume for each number, the same one for the same number.</summary>
    public static SeedImage Forge(int number)
    {
        var random = new FuzzRandom((ulong)number + 1000);
        int extensionSectors = 6 + random.Below(30);
        int version = number % 8 == 7 ? 4 : 5;
        int volumeSectors = Math.Max(8, Math.Min(128, 32 + random.Below(96)));
        var smith = new ImageSmith(volumeSectors, Math.Min(extensionSectors, volumeSectors / 2), version, number % 5 == 0 ? "seed" + number : "");
        var maker = new Maker(smith, random, version, commits: number % 3 == 1 && version == 5);
        maker.Run(3 + random.Below(number % 10 == 9 ? 60 : 18));
        LogDocument document = smith.Finish();
        return new SeedImage($"forged-{number}", document, Math.Min(document.Background.Length, (1 + extensionSectors) * 512));
    }

    private static SeedImage Cut(string name)
    {
        byte[] image = GoldenImage.Load(name).Bytes;
        IndependentVolume volume = IndependentVolume.Read(new ImageBytes(image));
        ulong end = volume.Log.Extensions.Max(extension => extension.StartSector + extension.SectorCount);
        foreach (ImageExtent extent in volume.Entries.SelectMany(entry => entry.Extents))
        {
            end = Math.Max(end, extent.StorageSector + extent.Allocated);
        }
        return new SeedImage(name, LogDocument.Parse(image[..((int)end * 512)]), 512 + volume.Log.Extensions[^1].UsedBytes);
    }

    // Random operations that leave the volume sound, until the log or the volume is nearly full.
    private sealed class Maker(ImageSmith smith, FuzzRandom random, int version, bool commits)
    {
        private readonly List<(int Children, int Depth)> _directories = [];
        private readonly List<(int Children, string Name, int Tuple)> _entries = [];
        private readonly List<int> _extentTuples = [];
        private int _version = version;
        private int _names;

        public void Run(int operations)
        {
            if (commits)
            {
                smith.Document.SectorFramed = true;
                smith.Document.PrepareSectors = true;
                smith.BeginCommit();
            }
            int root = smith.BeginRoot(random.OneIn(2) ? [("program", "/bin/x"), ("cwd", "/")] : []);
            _directories.Add((root, 0));
            bool open = commits;
            for (int i = 0; i < operations && smith.LogRoomBytes > 2500; i++)
            {
                if (commits && !open)
                {
                    smith.BeginCommit();
                    open = true;
                }
                Operate();
                if (open && random.OneIn(3))
                {
                    smith.EndCommit();
                    open = false;
                }
            }
            if (open)
            {
                smith.EndCommit();
            }
        }

        private string NewName() => random.Below(12) switch
        {
            0 => new string('l', 255),
            1 => "\u00ff\u0001 " + _names++,
            2 => ".hidden" + _names++,
            _ => "n" + _names++,
        };

        private void Operate()
        {
            (int parent, int depth) = random.Pick(_directories);
            string name = NewName();
            if (_entries.Any(entry => entry.Children == parent && entry.Name == name))
            {
                return;
            }
            switch (random.Below(17))
            {
                case 0:
                case 1:
                    if (depth < 12)
                    {
                        _directories.Add((smith.AddDirectory(parent, name), depth + 1));
                    }
                    break;
                case 2:
                case 3:
                case 4:
                    byte[] content = new byte[random.Pick([0, 1, 15, 511, 512, 513, 1024, 1500])];
                    new Random(_names).NextBytes(content);
                    if (HasRoom(3))
                    {
                        _entries.Add((parent, name, smith.AddFile(parent, name, content)));
                    }
                    break;
                case 5:
                    _entries.Add((parent, name, smith.AddSymlink(parent, name, random.Pick(["a", "/n1", "../..", "loop", new string('t', 700)]))));
                    break;
                case 6:
                    SparseFile(parent, name);
                    break;
                case 7:
                    if (_entries.Count > 0)
                    {
                        int linked = random.Pick(_entries).Tuple; // a hard link
                        smith.Assign(parent, name, tokens => tokens.Reference(linked));
                        smith.Assign(linked, "nlink", tokens => smith.Number(tokens, 2));
                    }
                    break;
                case 8:
                    if (_entries.Count > 0)
                    {
                        (int children, string old, int tuple) = random.Pick(_entries); // a rename: new name first
                        smith.Assign(parent, name, tokens => tokens.Reference(tuple));
                        smith.Assign(children, old, tokens => tokens.Removal());
                        _ = _entries.RemoveAll(entry => entry.Children == children && entry.Name == old);
                        _entries.Add((parent, name, tuple));
                    }
                    break;
                case 9:
                    if (_entries.Count > 0)
                    {
                        (int children, string old, _) = random.Pick(_entries);
                        smith.Assign(children, old, tokens => tokens.Removal());
                        _ = _entries.RemoveAll(entry => entry.Children == children && entry.Name == old);
                    }
                    break;
                case 10:
                    if (_version == 5)
                    {
                        smith.Assign(1, "config" + random.Below(4), tokens =>
                        {
                            _ = tokens.Vector(4);
                            _ = tokens.String("text"u8).Integer(42, negative: true).Null();
                            _ = tokens.Tuple(2);
                            _ = tokens.Symbol("k").Integer(ulong.MaxValue).Symbol("empty").String([]);
                        });
                    }
                    break;
                case 11:
                    if (_entries.Count > 0 && _version == 5)
                    {
                        int tuple = random.Pick(_entries).Tuple;
                        smith.Assign(tuple, "user.note", tokens => tokens.String(Encoding.UTF8.GetBytes("x" + _names)));
                        smith.Assign(tuple, "mtime", tokens => tokens.Integer(7710336961076252460));
                        smith.Assign(tuple, "tupelo_mode", tokens => tokens.Integer(0x81a4));
                        smith.Assign(tuple, "tupelo_uid", tokens => tokens.Integer(1000));
                    }
                    break;
                case 12:
                    smith.Assign(parent, name, tokens =>
                    {
                        int socket = tokens.Tuple(1);
                        _ = tokens.Symbol("socket").Null();
                        return socket;
                    });
                    break;
                case 13:
                    if (_version == 5)
                    {
                        smith.Assign(parent, name, tokens =>
                        {
                            _ = tokens.Tuple(2);
                            _ = tokens.Symbol("tupelo_mode").Integer(random.Pick<ulong>([0x11b6, 0x21b6, 0x61b6]));
                            _ = tokens.Symbol("tupelo_rdev").Integer(0x103);
                        });
                    }
                    break;
                case 14:
                    if (!commits && HasRoom(8) && random.OneIn(2))
                    {
                        smith.Extend(6);
                        _version = 5;
                    }
                    break;
                case 15:
                    if (!commits)
                    {
                        smith.Frame(new LogFrame(LogFrameKind.EndOfSegment));
                        smith.Assign(parent, "..", tokens => tokens.Reference(1)); // as Nanos lets it slip
                    }
                    break;
                default:
                    _ = smith.Assign(
                        parent, name,
                        tokens =>
                        {
                            _ = tokens.Tuple(1);
                            _ = tokens.Symbol("children");
                            int children = tokens.Tuple(0);
                            _directories.Add((children, depth + 1));
                            return children;
                        },
                        commits ? [] : [1 + random.Below(8)]);
                    break;
            }
        }

        private void SparseFile(int parent, string name)
        {
            if (_version != 5 || !HasRoom(4))
            {
                return;
            }
            ulong start = smith.TakeSectors(4);
            int extents = 0;
            int file = smith.Assign(parent, name, tokens =>
            {
                int created = tokens.Tuple(2);
                _ = tokens.Symbol("extents");
                extents = tokens.Tuple(2);
                _ = tokens.Symbol("2").Tuple(3);
                _ = tokens.Symbol("offset").Integer(start).Symbol("length").Integer(1).Symbol("allocated").Integer(2);
                _ = tokens.Symbol("9").Tuple(4);
                _ = tokens.Symbol("offset").Integer(start + 2).Symbol("length").Integer(2).Symbol("allocated").Integer(2);
                _ = tokens.Symbol("uninited").Null();
                _ = tokens.Symbol("filelength").Integer((ulong)random.Pick([100, 1024, 1500, 5000, 6000, 100000]));
                return created;
            });
            _entries.Add((parent, name, file));
            _extentTuples.Add(extents);
            if (random.OneIn(3))
            {
                smith.Assign(random.Pick(_extentTuples), "9", tokens => tokens.Removal());
            }
        }

        private bool HasRoom(int sectors) => smith.NextDataSector + (ulong)sectors <= (ulong)smith.Document.Background.Length / 512;
    }
}

// One case of a campaign: a seed and the steps that damage it, all drawn from (campaign seed, case number). Steps have their own
// random sequences, so that a failing case can be shrunk by leaving steps out.
using Tupelo.Testing.Images;

namespace Tupelo.Fuzz.Images;

public sealed class FuzzCase
{
    private readonly List<(bool Bytes, ulong Seed)> _steps = [];
    private readonly SeedImage _seed;
    private readonly SeedImage? _splice;

    public FuzzCase(ulong seed, long number)
    {
        FuzzRandom random = FuzzRandom.ForCase(seed, number);
        _seed = random.OneIn(64) ? random.Pick(SeedImages.Golden) : random.Pick(SeedImages.Forged);
        _splice = random.OneIn(20) ? random.Pick(SeedImages.Forged) : null;
        int structural = random.OneIn(6) ? 0 : 1 + random.Below(3);
        int bytes = structural == 0 || random.OneIn(6) ? 1 + random.Below(3) : 0;
        for (int i = 0; i < structural + bytes; i++)
        {
            _steps.Add((i >= structural, random.Next()));
        }
    }

    public string SeedName => _seed.Name + (_splice is null ? "" : " + " + _splice.Name);

    public int StepCount => _steps.Count;

    /// <summary>Makes the image.</summary>
    /// <param name="description">Takes the names of what was done, when wanted.</param>
    /// <param name="without">Steps that are left out.</param>
    public byte[] Build(List<string>? description = null, IReadOnlySet<int>? without = null)
    {
        byte[]? image = null;
        LogDocument document = _seed.Document.Clone();
        if (_splice is not null && without?.Contains(-1) != true)
        {
            _ = LogMutator.Splice(document, _splice.Document, new FuzzRandom(_steps[0].Seed ^ 1));
            description?.Add("splice");
        }
        for (int i = 0; i < _steps.Count; i++)
        {
            if (without?.Contains(i) == true)
            {
                continue;
            }
            (bool bytes, ulong seed) = _steps[i];
            var random = new FuzzRandom(seed);
            if (bytes)
            {
                image = ByteMutator.Mutate(image ?? document.Emit(), _seed.HotBytes, random);
                description?.Add("bytes");
            }
            else
            {
                string name = LogMutator.Mutate(document, random);
                description?.Add(name);
            }
        }
        return image ?? document.Emit();
    }
}

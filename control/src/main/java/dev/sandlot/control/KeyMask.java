package dev.sandlot.control;

/**
 * What may be shown of a secret (public-api.md 2.2).
 *
 * @param valueLength how many characters follow the prefix
 */
record KeyMask(String prefix, int valueLength, String maskedValuePrefix, String maskedValueSuffix) {
    static KeyMask of(String prefix, ApiKeys.Minted minted) {
        return new KeyMask(prefix, minted.length(), minted.maskPrefix(), minted.maskSuffix());
    }
}

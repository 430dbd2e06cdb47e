package dev.sandlot.envd;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Which coding an {@code Accept-Encoding} field asks for (envd.md 4.4). */
final class ContentEncodings {
    /** The codings there are. */
    enum Coding {
        IDENTITY,
        GZIP
    }

    private record Wish(String coding, double quality) {}

    private final List<Wish> wishes;

    private ContentEncodings(List<Wish> wishes) {
        this.wishes = wishes;
    }

    /** @param fields the values of the field, none when it is absent */
    static ContentEncodings accepted(List<String> fields) {
        List<Wish> wishes = new ArrayList<>();
        for (String element : String.join(",", fields).split(",")) {
            String[] parts = element.split(";");
            String coding = parts[0].strip().toLowerCase(Locale.ROOT);
            if (!coding.isEmpty()) {
                wishes.add(new Wish(coding, quality(parts)));
            }
        }
        wishes.sort(Comparator.comparingDouble(Wish::quality).reversed());
        return new ContentEncodings(wishes);
    }

    /** The coding to use; empty when nothing that there is would be accepted. */
    Optional<Coding> choice() {
        for (Wish wish : wishes) {
            if (wish.quality > 0) {
                switch (wish.coding) {
                    case "identity" -> {
                        return Optional.of(Coding.IDENTITY);
                    }
                    case "gzip" -> {
                        return Optional.of(Coding.GZIP);
                    }
                    case "*" -> {
                        return Optional.of(refusesIdentity() ? Coding.GZIP : Coding.IDENTITY);
                    }
                    default -> {}
                }
            }
        }
        return refusesIdentity() ? Optional.empty() : Optional.of(Coding.IDENTITY);
    }

    /** Whether the plain bytes are refused. */
    boolean refusesIdentity() {
        Optional<Wish> identity = find("identity");
        if (identity.isPresent()) {
            return identity.get().quality <= 0;
        }
        return find("*").filter(any -> any.quality <= 0).isPresent();
    }

    private Optional<Wish> find(String coding) {
        return wishes.stream().filter(wish -> wish.coding.equals(coding)).findFirst();
    }

    private static double quality(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().toLowerCase(Locale.ROOT);
            if (parameter.startsWith("q=")) {
                return number(parameter.substring(2));
            }
        }
        return 1;
    }

    private static double number(String text) {
        try {
            double value = Double.parseDouble(text.strip());
            return Double.isNaN(value) ? 1 : value;
        } catch (NumberFormatException _) {
            return 1;
        }
    }
}

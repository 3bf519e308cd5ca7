//! The best way to match rows with columns, and the accuracy of clusters that it gives.

/// For each row of a cost matrix the column assigned to it, so that no column is used twice and the sum of the costs is
/// the lowest there is: the Hungarian method of Kuhn, 1955, with shortest augmenting paths, in O(rows² · columns).
///
/// # Panics
/// When there are more rows than columns, the rows differ in length, or a cost is not finite.
pub fn assign(costs: &[Vec<f64>]) -> Vec<usize> {
    let (rows, columns) = (costs.len(), costs.first().map_or(0, Vec::len));
    assert!(rows <= columns, "{rows} rows cannot each have one of {columns} columns");
    assert!(costs.iter().all(|row| row.len() == columns), "every row has a cost for each column");
    assert!(costs.iter().flatten().all(|cost| cost.is_finite()), "costs must be finite");
    // Potentials keep every reduced cost `cost − of_row − of_column` at 0 or above, and at 0 along the assignment. Column
    // `columns` is not real: a row that looks for its column starts there.
    let (mut of_row, mut of_column) = (vec![0.0; rows], vec![0.0; columns + 1]);
    let mut owner: Vec<Option<usize>> = vec![None; columns + 1];
    for row in 0..rows {
        owner[columns] = Some(row);
        let mut column = columns;
        let mut distance = vec![f64::INFINITY; columns];
        let mut previous = vec![columns; columns];
        let mut visited = vec![false; columns + 1];
        // Dijkstra's search from the row to the nearest column that nobody owns.
        while let Some(current) = owner[column] {
            visited[column] = true;
            let (mut nearest, mut step) = (columns, f64::INFINITY);
            for next in (0..columns).filter(|&next| !visited[next]) {
                let reduced = costs[current][next] - of_row[current] - of_column[next];
                if reduced < distance[next] {
                    (distance[next], previous[next]) = (reduced, column);
                }
                if distance[next] < step {
                    (nearest, step) = (next, distance[next]);
                }
            }
            for seen in 0..=columns {
                match owner[seen] {
                    Some(owner) if visited[seen] => {
                        of_row[owner] += step;
                        of_column[seen] -= step;
                    }
                    _ if seen < columns => distance[seen] -= step,
                    _ => {}
                }
            }
            column = nearest;
        }
        // Every owner on the path moves to the column that was found from it.
        while column != columns {
            owner[column] = owner[previous[column]];
            column = previous[column];
        }
    }
    let mut assignment = vec![0; rows];
    for (column, owner) in owner[..columns].iter().enumerate() {
        if let Some(row) = owner {
            assignment[*row] = column;
        }
    }
    assignment
}

/// How often images of each class were sorted into each group: `[groups][classes]`.
fn counts(groups: &[i64], labels: &[i64]) -> Vec<Vec<f64>> {
    assert_eq!(groups.len(), labels.len(), "every image has a group and a label");
    let size = |values: &[i64]| values.iter().max().map_or(0, |&highest| highest as usize + 1);
    let mut table = vec![vec![0.0; size(labels)]; size(groups)];
    groups.iter().zip(labels).for_each(|(&group, &label)| table[group as usize][label as usize] += 1.0);
    table
}

/// The share of images whose group is the one assigned to their class, with the best one-to-one assignment of groups
/// and classes there is.
pub fn cluster_accuracy(groups: &[i64], labels: &[i64]) -> f64 {
    let table = counts(groups, labels);
    let classes = table.first().map_or(0, Vec::len);
    // A square of costs: groups or classes that are too many stay without a partner, at no gain.
    let size = table.len().max(classes);
    let gain =
        |group: usize, class: usize| table.get(group).and_then(|row| row.get(class)).copied().unwrap_or(0.0);
    let costs: Vec<Vec<f64>> =
        (0..size).map(|group| (0..size).map(|class| -gain(group, class)).collect()).collect();
    let matched: f64 = assign(&costs).into_iter().enumerate().map(|(group, class)| gain(group, class)).sum();
    matched / labels.len().max(1) as f64
}

/// The share of images that are of the most frequent class of their group: several groups may stand for one class, as
/// where a paper sorts ten digits into thirty groups.
pub fn cluster_purity(groups: &[i64], labels: &[i64]) -> f64 {
    let highest = |row: &Vec<f64>| row.iter().copied().fold(0.0, f64::max);
    counts(groups, labels).iter().map(highest).sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::{DType, Generator};

    /// The lowest sum over all ways to choose.
    fn brute_force(costs: &[Vec<f64>], used: &mut Vec<bool>) -> f64 {
        let Some((first, rest)) = costs.split_first() else { return 0.0 };
        let mut best = f64::INFINITY;
        for column in 0..used.len() {
            if !used[column] {
                used[column] = true;
                best = best.min(first[column] + brute_force(rest, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn no_other_assignment_costs_less() {
        let rng = Generator::new(4);
        for case in 0..200 {
            let (rows, columns) = (1 + case % 6, 6);
            // Whole numbers from few make ties, which real ones hide.
            let draws = match case % 2 {
                0 => rng.randint(-4, 5, [rows, columns]).to_dtype(DType::F64),
                _ => rng.normal([rows, columns], 0.0, 1.0, DType::F64),
            };
            let costs: Vec<Vec<f64>> = draws.to_vec::<f64>().chunks(columns).map(<[f64]>::to_vec).collect();
            let assignment = assign(&costs);
            let mut columns_used = assignment.clone();
            columns_used.sort_unstable();
            columns_used.dedup();
            assert_eq!(columns_used.len(), rows, "a column is used twice: {assignment:?}");
            let sum: f64 = assignment.iter().enumerate().map(|(row, &column)| costs[row][column]).sum();
            let best = brute_force(&costs, &mut vec![false; columns]);
            assert!((sum - best).abs() < 1e-9, "{sum} {best} {costs:?}");
        }
        assert!(assign(&[]).is_empty());
    }

    #[test]
    fn clusters_are_named_as_suits_them_best() {
        // Group 2 is class 0, group 0 class 1; group 1 holds one image of each.
        let (groups, labels) = ([2, 2, 2, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0, 1]);
        assert_eq!(cluster_accuracy(&groups, &labels), 5.0 / 7.0);
        assert_eq!(cluster_purity(&groups, &labels), 6.0 / 7.0);
        // Everything in one group: as good as the most frequent class.
        assert_eq!(cluster_accuracy(&[0; 7], &labels), 4.0 / 7.0);
        // Groups of one image each are pure and say nothing.
        assert_eq!(cluster_purity(&[0, 1, 2, 3], &[0, 0, 1, 1]), 1.0);
        assert_eq!(cluster_accuracy(&[0, 1, 2, 3], &[0, 0, 1, 1]), 0.5);
    }
}
